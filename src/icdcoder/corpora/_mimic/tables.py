"""MIMIC's tables in bounded memory: small tables as frames, note tables as a frame without text plus the texts."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Collection, Mapping, Sequence
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from icdcoder.core.errors import InputError
from icdcoder.corpora._mimic.chosen import chosen
from icdcoder.corpora._mimic.header import column_names, need
from icdcoder.corpora._mimic.header import header as header_row
from icdcoder.corpora._mimic.origin import described
from icdcoder.corpora._mimic.raw import find, row_blocks

if TYPE_CHECKING:
    import polars as pl


def source_files(root: Path, tables: Sequence[str]) -> dict[str, str]:
    """table → "NOTEEVENTS.csv.gz, 1,180,216,192 bytes, CRC-32 …", for the corpus's card."""
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
        header = header or header_row(rows)
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
        try:
            heads = self._chosen(where)
            self._file.flush()
            if not self.rows:
                raise InputError(f"{path} holds no notes: the demo versions of MIMIC come without them.")
            self.frame: pl.DataFrame = pl.read_csv(BytesIO(heads), infer_schema=False, encoding="utf8-lossy")
        except BaseException:
            self._file.close()
            raise

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

    def _chosen(self, where: Mapping[str, Collection[str]]) -> bytes:
        """The rows that fulfil `where` as CSV, without their texts, which are kept."""
        heads: list[bytes] = []
        for found in chosen(self.path, where):
            self.rows += found.rows
            heads += found.heads if heads else [found.columns, *found.heads]
            self._keep(found.texts)
        return b"\n".join(heads)

    def _keep(self, texts: Sequence[bytes]) -> None:
        self._starts.extend(accumulate(map(len, texts), initial=self._starts.pop()))
        self._file.write(b"".join(texts))


def notes(root: Path, table: str, *, where: Mapping[str, Collection[str]] | None = None) -> Notes:
    """One pass over "noteevents" (MIMIC-III) or "discharge" (MIMIC-IV-Note).

    where: column → values; a row is kept that has one of the values in each, e.g. {"category": ["Discharge summary"]}.
    Raises InputError where the table is missing, holds no notes (the demo versions), or is damaged.
    """
    return Notes(find(root, table), where or {})


def _parsed(csv: bytes, rows: int, path: Path, columns: Sequence[str]) -> pl.DataFrame:
    import polars as pl

    names = column_names(csv.partition(b"\n")[0])
    need(names, columns, path)
    wanted = [names.index(name) for name in columns]
    try:
        frame = pl.read_csv(BytesIO(csv), infer_schema=False, encoding="utf8-lossy", columns=wanted)
    except pl.exceptions.PolarsError:
        raise InputError(f"{path} is not CSV as PhysioNet ships it: a row does not fit the header.") from None
    if frame.height != rows:
        raise InputError(f"{path} is not CSV as PhysioNet ships it: {rows} rows by quotes, {frame.height} as parsed.")
    return frame.rename({old: old.strip().lower() for old in frame.columns})[list(columns)].cast(pl.Categorical)
