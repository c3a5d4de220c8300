"""MIMIC's tables in bounded memory: small tables as frames, note tables as a frame without text plus the texts.

Rows are found by numpy in blocks of bytes, and only rows that hold a value asked for are parsed: on NOTEEVENTS, of
which one row in thirty-five is a discharge summary, that is quicker than any CSV reader, and needs 100 MB.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from icdcoder.core.errors import InputError, did_you_mean
from icdcoder.corpora._mimic.raw import described, find, row_blocks

if TYPE_CHECKING:
    import polars as pl

TEXT = "text"
# Up to so many values are looked for as bytes before rows are parsed.
FEW = 8


def source_files(root: Path, tables: Sequence[str]) -> dict[str, str]:
    """table → "NOTEEVENTS.csv.gz, 1,180,216,192 bytes", for the corpus's card."""
    return {table: described(find(root, table)) for table in tables}


def small_table(root: Path, table: str, columns: Sequence[str]) -> pl.DataFrame:
    """The columns asked for, as text, named in small letters, in the order of the file; null where empty.

    Raises InputError where the table or a column is missing, or the file is damaged.
    """
    import polars as pl

    path = find(root, table)
    frames = [frame for _, frame in _frames(path, None, columns)]
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
            for rows, frame in _frames(path, where, None):
                self.rows += rows
                _need(frame.columns, [TEXT, *where], path)
                for column, values in where.items():
                    frame = frame.filter(pl.col(column).is_in(list(values)))
                self._keep(frame[TEXT])
                frames.append(frame.drop(TEXT))
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
        return self._file.read(end - start).decode("utf-8")

    def close(self) -> None:
        self._file.close()

    def _keep(self, texts: pl.Series) -> None:
        at = self._starts[-1]
        for text in texts:
            body = (text or "").encode("utf-8")
            self._file.write(body)
            at += len(body)
            self._starts.append(at)


def notes(root: Path, table: str, *, where: Mapping[str, Collection[str]] | None = None) -> Notes:
    """One pass over "noteevents" (MIMIC-III) or "discharge" (MIMIC-IV-Note).

    where: column → values; a row is kept that has one of the values in each, e.g. {"category": ["Discharge summary"]}.
    Raises InputError where the table is missing, holds no notes (the demo versions), or is damaged.
    """
    return Notes(find(root, table), where or {})


def _frames(
    path: Path, where: Mapping[str, Collection[str]] | None, columns: Sequence[str] | None
) -> Iterator[tuple[int, pl.DataFrame]]:
    """(rows of the block, those that may fulfil `where` as a frame) for each block; the header counts as no row."""
    needles = _needles(where or {})
    header: bytes | None = None
    for data, ends in row_blocks(path):
        starts = np.concatenate([[0], ends[:-1]])
        if header is None:
            header, starts, ends = data[: ends[0]].removeprefix(b"\xef\xbb\xbf"), starts[1:], ends[1:]
        if needles:
            chosen = _holding(data, starts, ends, needles)
            body, count = b"".join([data[starts[i] : ends[i]] for i in chosen]), len(chosen)
        else:
            body, count = data[starts[0] :] if len(starts) else b"", len(starts)
        yield len(starts), _parsed(header + body, count, path, columns)


def _needles(where: Mapping[str, Collection[str]]) -> list[bytes]:
    """The bytes one of which a row must hold, of the column with the fewest values; empty where there are too many."""
    values = min(where.values(), key=len, default=())
    return [value.encode("utf-8") for value in values] if 0 < len(values) <= FEW else []


def _holding(data: bytes, starts: np.ndarray, ends: np.ndarray, needles: Sequence[bytes]) -> list[int]:
    """Indices of the rows that hold one of the needles anywhere."""
    rows: set[int] = set()
    for needle in needles:
        at = int(starts[0]) if len(starts) else len(data)
        while (at := data.find(needle, at)) >= 0:
            row = int(np.searchsorted(ends, at, side="right"))
            rows.add(row)
            at = int(ends[row])
    return sorted(rows)


def _parsed(csv: bytes, rows: int, path: Path, columns: Sequence[str] | None) -> pl.DataFrame:
    import polars as pl

    names = [name.strip().strip('"').lower() for name in csv.partition(b"\n")[0].decode("utf-8", "replace").split(",")]
    _need(names, columns or (), path)
    wanted: Any = None if columns is None else [names.index(name) for name in columns]
    try:
        frame = pl.read_csv(BytesIO(csv), infer_schema=False, encoding="utf8-lossy", columns=wanted)
    except pl.exceptions.PolarsError:
        raise InputError(f"{path} is not CSV as PhysioNet ships it: a row does not fit the header.") from None
    if frame.height != rows:
        raise InputError(f"{path} is not CSV as PhysioNet ships it: {rows} rows by quotes, {frame.height} as parsed.")
    return frame.rename({old: old.strip().lower() for old in frame.columns})[columns or [n.lower() for n in names]]


def _need(names: Sequence[str], wanted: Sequence[str], path: Path) -> None:
    for column in wanted:
        if column not in names:
            raise InputError(
                f"{path} has no column {column!r}.{did_you_mean(column, list(names))} It has: {', '.join(names)}."
            )
