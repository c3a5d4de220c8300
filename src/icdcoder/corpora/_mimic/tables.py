"""MIMIC's tables in bounded memory: small tables as frames, note tables as a frame without text plus the texts."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from icdcoder.core.errors import InputError
from icdcoder.corpora._mimic.origin import described
from icdcoder.corpora._mimic.raw import batches, find

if TYPE_CHECKING:
    import polars as pl

TEXT = "text"


def source_files(root: Path, tables: Sequence[str]) -> dict[str, str]:
    """table → "NOTEEVENTS.csv.gz, 1,180,216,192 bytes, CRC-32 …", for the corpus's card."""
    return {table: described(find(root, table)) for table in tables}


def size(root: Path, table: str) -> int:
    """Bytes of its file."""
    return find(root, table).stat().st_size


def small_table(root: Path, table: str, columns: Sequence[str]) -> pl.DataFrame:
    """The columns asked for, named in small letters, in the order of the file; null where empty. They are text, kept as
    categories: each value once, and four bytes a row.

    Raises InputError where the table or a column is missing, or the file is damaged.
    """
    import polars as pl

    parts = [part.cast(pl.Categorical) for part in batches(find(root, table), columns, only=True)]
    return pl.concat(parts) if parts else pl.DataFrame(schema=dict.fromkeys(columns, pl.Categorical))


class Notes:
    """The rows of a note table that were asked for. Texts lie in an unnamed temporary file until `close`.

    frame: every column but the text, one row a note, in the order of the file. rows: of the whole table.
    """

    def __init__(self, path: Path, where: Mapping[str, Collection[str]]) -> None:
        import polars as pl

        self.path = path
        self.rows = 0
        self._file = tempfile.TemporaryFile(prefix="icdcoder.")  # noqa: SIM115 (closed by `close`)
        try:
            heads: list[pl.DataFrame] = []
            sizes = [np.zeros(1, dtype=np.int64)]
            for batch in batches(path, [TEXT, *where]):
                self.rows += batch.height
                kept = batch.filter(pl.all_horizontal(True, *(pl.col(c).is_in(list(v)) for c, v in where.items())))
                texts = kept[TEXT].fill_null("")
                self._file.write("".join(texts).encode())
                sizes.append(texts.str.len_bytes().to_numpy().astype(np.int64))
                heads.append(kept.drop(TEXT))
            self._file.flush()
            if not self.rows:
                raise InputError(f"{path} holds no notes: the demo versions of MIMIC come without them.")
            self.frame: pl.DataFrame = pl.concat(heads)
            self._starts = np.cumsum(np.concatenate(sizes))
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
        start, end = self._starts[i : i + 2].tolist()
        self._file.seek(start)
        return self._file.read(end - start).decode()

    def close(self) -> None:
        self._file.close()


def notes(root: Path, table: str, *, where: Mapping[str, Collection[str]] | None = None) -> Notes:
    """One pass over "noteevents" (MIMIC-III) or "discharge" (MIMIC-IV-Note).

    where: column → values; a row is kept that has one of the values in each, e.g. {"category": ["Discharge summary"]}.
    Raises InputError where the table is missing, holds no notes (the demo versions), or is damaged.
    """
    return Notes(find(root, table), where or {})
