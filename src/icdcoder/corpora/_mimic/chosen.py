"""The rows of a note table that are wanted, each cut into its text and the rest.

Rows are found by numpy in blocks of bytes, and only those that hold a value asked for are looked at in Python: on
NOTEEVENTS, of which one row in thirty-five is a discharge summary, that is quicker than any CSV reader, and needs
100 MB.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from icdcoder.core.errors import InputError
from icdcoder.corpora._mimic.csv_rows import cut, last
from icdcoder.corpora._mimic.header import column_names, header, need
from icdcoder.corpora._mimic.raw import LOOK, Rows, row_blocks

TEXT = "text"
# Up to so many values are looked for as bytes before rows are cut.
FEW = 8
_BESIDE_A_VALUE = np.isin(np.arange(256), list(b'",\r\n'))


@dataclass(frozen=True, slots=True)
class Chosen:
    """Of one block of a table: rows: how many it has. columns: the names of all but the last, as CSV. heads: the rows
    chosen as they stand in the file, but without their texts. texts: of each of them, as UTF-8."""

    rows: int
    columns: bytes
    heads: list[bytes] = field(default_factory=list, repr=False)
    texts: list[bytes] = field(default_factory=list, repr=False)


def chosen(path: Path, where: Mapping[str, Collection[str]]) -> Iterator[Chosen]:
    """Block by block the rows that have one of the values in each column of `where`.

    Little is done of each row in Python, as the thread that decompresses has to wait for that. Raises InputError where
    a column is missing, the texts are not in the last, or the file is damaged.
    """
    needles = _needles(where)
    names: list[str] = []
    wanted: dict[int, frozenset[bytes]] = {}
    for rows in row_blocks(path):
        first = 0
        if not names:
            names, first = column_names(header(rows)), 1
            need(names, [TEXT, *where], path)
            if names[-1] != TEXT:
                raise InputError(f"{path}: the last column is {names[-1]!r}, where PhysioNet ships the texts.")
            kept = {names.index(column): frozenset(map(str.encode, values)) for column, values in where.items()}
            wanted = dict(sorted(kept.items()))
        found = Chosen(len(rows) - first, ",".join(names[:-1]).encode())
        places = _holding(rows, first, needles) if needles else range(first, len(rows))
        try:
            for i in places:
                _add(found, rows, i, len(names), wanted)
        except ValueError:
            raise InputError(f"{path} is not CSV as PhysioNet ships it: a row does not fit the header.") from None
        yield found


def _add(found: Chosen, rows: Rows, i: int, columns: int, wanted: Mapping[int, frozenset[bytes]]) -> None:
    """Row i, where it has the values wanted: what is known before the text spares copying it."""
    start, end = int(rows.starts[i]), int(rows.ends[i])
    values, at = cut(rows.data, start, end, columns, tuple(wanted))
    if all(value in kept for value, kept in zip(values, wanted.values(), strict=True)):
        found.heads.append(bytes(rows.data[start : at - 1]))
        found.texts.append(last(rows.data, at, end) or b"")


def _needles(where: Mapping[str, Collection[str]]) -> list[bytes]:
    """The bytes one of which a row must hold, of the column with the fewest values; empty where there are too many."""
    values = min(where.values(), key=len, default=())
    return [value.encode("utf-8") for value in values] if 0 < len(values) <= FEW else []


def _holding(rows: Rows, first: int, needles: Sequence[bytes]) -> list[int]:
    """Indices of the rows, from the first, that hold one of the needles anywhere."""
    if first >= len(rows):
        return []
    start, end = int(rows.starts[first]), int(rows.ends[-1])
    places = np.concatenate([found for needle in needles for found in _found(rows.data, start, end, needle)])
    return np.unique(np.searchsorted(rows.ends, places, side="right")).tolist()


def _found(data: bytearray, start: int, end: int, needle: bytes) -> Iterator[npt.NDArray[np.int64]]:
    """Where the needle may be a value. By numpy, beside which the thread that decompresses goes on; `data.find` would
    stop it."""
    whole = np.frombuffer(data, dtype=np.uint8, count=end)
    for at in range(start, end, LOOK):
        places = np.flatnonzero(whole[at : min(end, at + LOOK)] == needle[0]) + at
        for i, byte in enumerate(needle[1:], start=1):
            places = places[whole.take(places + i, mode="clip") == byte]
        before = _BESIDE_A_VALUE[whole.take(places - 1, mode="wrap")] | (places == start)
        yield places[before & _BESIDE_A_VALUE[whole.take(places + len(needle), mode="clip")]]
