"""MIMIC's tables in bounded memory: small tables as frames, note tables as a frame without text plus the texts.

Rows are found by numpy in blocks of bytes, and only rows that hold a value asked for are cut into values: on
NOTEEVENTS, of which one row in thirty-five is a discharge summary, that is quicker than any CSV reader, and needs
100 MB.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from icdcoder.core.errors import InputError, did_you_mean
from icdcoder.corpora._mimic.csv_rows import cut, last
from icdcoder.corpora._mimic.raw import Rows, described, find, row_blocks

if TYPE_CHECKING:
    import polars as pl

TEXT = "text"
# Up to so many values are looked for as bytes before rows are parsed.
FEW = 8


def source_files(root: Path, tables: Sequence[str]) -> dict[str, str]:
    """table → "NOTEEVENTS.csv.gz, 1,180,216,192 bytes", for the corpus's card."""
    return {table: described(find(root, table)) for table in tables}


def small_table(root: Path, table: str, columns: Sequence[str]) -> pl.DataFrame:
    """The columns asked for, named in small letters, in the order of the file; null where empty. They are text, kept as
    categories: each value once, and four bytes a row.

    Raises InputError where the table or a column is missing, or the file is damaged.
    """
    import polars as pl

    path = find(root, table)
    frames = []
    header = b""
    for rows in row_blocks(path):
        first = 0 if header else 1
        header = header or _header(rows)
        body = rows.data[rows.starts[first] : rows.ends[-1]] if len(rows) > first else b""
        frames.append(_parsed(header + body, len(rows) - first, path, columns))
    if not frames:
        raise InputError(f"{path} is empty.")
    return pl.concat(frames)


class Notes:
    """The rows of a note table that were asked for. Texts lie in an unnamed temporary file until `close`.

    frame: every column but the text, one row a note, in the order of the file. rows: of the whole table.
    """

    def __init__(self, path: Path, where: Mapping[str, Collection[str]]) -> None:
        import polars as pl

        self.path = path
        self.rows = 0
        self._file = tempfile.TemporaryFile(prefix="icdcoder.")  # noqa: SIM115 (closed by `close`)
        self._starts = array("q", [0])
        frames = []
        try:
            for rows, frame in self._chosen(where):
                self.rows += rows
                frames.append(frame)
        except BaseException:
            self._file.close()
            raise
        self._file.flush()
        if not frames or not self.rows:
            self._file.close()
            raise InputError(f"{path} holds no notes: the demo versions of MIMIC come without them.")
        self.frame: pl.DataFrame = pl.concat(frames)

    def __len__(self) -> int:
        return self.frame.height

    def __enter__(self) -> Notes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def text(self, i: int) -> str:
        """The text of row `i` of `frame`."""
        start, end = self._starts[i], self._starts[i + 1]
        self._file.seek(start)
        return self._file.read(end - start).decode("utf-8", "replace")

    def close(self) -> None:
        self._file.close()

    def _chosen(self, where: Mapping[str, Collection[str]]) -> Iterator[tuple[int, pl.DataFrame]]:
        """(rows of the block, those that fulfil `where` without their texts) for each block."""
        needles = _needles(where)
        names: list[str] = []
        wanted: list[tuple[int, frozenset[bytes]]] = []
        for rows in row_blocks(self.path):
            first = 0
            if not names:
                names, first = _names(_header(rows)), 1
                _need(names, [TEXT, *where], self.path)
                wanted = [(names.index(column), _as_bytes(kept)) for column, kept in where.items()]
            places = _holding(rows, first, needles) if needles else range(first, len(rows))
            found = [row for i in places if (row := self._cut(rows.row(i), len(names), wanted)) is not None]
            self._keep([row[names.index(TEXT)] for row in found])
            yield len(rows) - first, _frame(names, found)

    def _cut(
        self, row: bytes, columns: int, wanted: Sequence[tuple[int, frozenset[bytes]]]
    ) -> list[bytes | None] | None:
        """The values of a row, None where it has not those wanted: what is known before the text spares cutting it."""
        try:
            values, rest = cut(row, columns)
            if not all(values[column] in kept for column, kept in wanted if column < len(values)):
                return None
            values.append(last(rest))
            return values if all(values[column] in kept for column, kept in wanted) else None
        except ValueError:
            raise InputError(f"{self.path} is not CSV as PhysioNet ships it: a row does not fit the header.") from None

    def _keep(self, texts: Sequence[bytes | None]) -> None:
        at = self._starts[-1]
        for text in texts:
            body = text or b""
            self._file.write(body)
            at += len(body)
            self._starts.append(at)


def notes(root: Path, table: str, *, where: Mapping[str, Collection[str]] | None = None) -> Notes:
    """One pass over "noteevents" (MIMIC-III) or "discharge" (MIMIC-IV-Note).

    where: column → values; a row is kept that has one of the values in each, e.g. {"category": ["Discharge summary"]}.
    Raises InputError where the table is missing, holds no notes (the demo versions), or is damaged.
    """
    return Notes(find(root, table), where or {})


def _header(rows: Rows) -> bytes:
    return rows.row(0).removeprefix(b"\xef\xbb\xbf")


def _names(header: bytes) -> list[str]:
    return [name.strip().strip('"').lower() for name in header.decode("utf-8", "replace").split(",")]


def _as_bytes(kept: Collection[str]) -> frozenset[bytes]:
    return frozenset(value.encode("utf-8") for value in kept)


def _frame(names: Sequence[str], rows: Sequence[Sequence[bytes | None]]) -> pl.DataFrame:
    """Rows as a frame of text, without the texts of notes."""
    import polars as pl

    columns = {
        name: [None if (value := row[i]) is None else value.decode("utf-8", "replace") for row in rows]
        for i, name in enumerate(names)
        if name != TEXT
    }
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def _needles(where: Mapping[str, Collection[str]]) -> list[bytes]:
    """The bytes one of which a row must hold, of the column with the fewest values; empty where there are too many."""
    values = min(where.values(), key=len, default=())
    return [value.encode("utf-8") for value in values] if 0 < len(values) <= FEW else []


def _holding(rows: Rows, first: int, needles: Sequence[bytes]) -> list[int]:
    """Indices of the rows, from the first, that hold one of the needles anywhere."""
    if first >= len(rows):
        return []
    places: list[int] = []
    end = int(rows.ends[-1])
    for needle in needles:
        at = int(rows.starts[first])
        while (at := rows.data.find(needle, at, end)) >= 0:
            places.append(at)
            at += len(needle)
    return np.unique(np.searchsorted(rows.ends, places, side="right")).tolist()


def _parsed(csv: bytes, rows: int, path: Path, columns: Sequence[str]) -> pl.DataFrame:
    import polars as pl

    names = _names(csv.partition(b"\n")[0])
    _need(names, columns, path)
    wanted = [names.index(name) for name in columns]
    try:
        frame = pl.read_csv(BytesIO(csv), infer_schema=False, encoding="utf8-lossy", columns=wanted)
    except pl.exceptions.PolarsError:
        raise InputError(f"{path} is not CSV as PhysioNet ships it: a row does not fit the header.") from None
    if frame.height != rows:
        raise InputError(f"{path} is not CSV as PhysioNet ships it: {rows} rows by quotes, {frame.height} as parsed.")
    return frame.rename({old: old.strip().lower() for old in frame.columns})[list(columns)].cast(pl.Categorical)


def _need(names: Sequence[str], wanted: Sequence[str], path: Path) -> None:
    for column in wanted:
        if column not in names:
            raise InputError(
                f"{path} has no column {column!r}.{did_you_mean(column, list(names))} It has: {', '.join(names)}."
            )
