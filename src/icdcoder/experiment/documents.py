"""documents.parquet: the notes of a prepared corpus. Written chunk by chunk, read a few rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.document import Document, GoldEvidence
from icdcoder.core.note import Note

if TYPE_CHECKING:
    import polars as pl

FILE = "documents.parquet"
# Documents in a row group: few enough that reading one note is quick, enough that they compress well.
ROWS = 256
# A chunk of documents is made into a frame and written when it holds so many characters, or ROWS documents.
CHARACTERS = 1 << 22


class Documents(Sequence[Document]):
    """The documents of a prepared folder, one note each, with all gold codes; read from disk when asked for.

    Going through them in order reads each row group once; `documents[i]` keeps the group it was in.
    """

    def __init__(self, path: Path, count: int) -> None:
        self._path = path
        self._count = count
        self._group: tuple[int, list[Document]] = (-1, [])

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Document: ...
    @overload
    def __getitem__(self, index: slice) -> list[Document]: ...
    def __getitem__(self, index: int | slice) -> Document | list[Document]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(f"There are {self._count} documents; {index} is not one of them.")
        group, place = divmod(index % self._count, ROWS)
        if self._group[0] != group:
            self._group = (group, self._read(group))
        return self._group[1][place]

    def __repr__(self) -> str:
        return f"Documents({self._count} in {self._path.name})"

    def _read(self, group: int) -> list[Document]:
        import polars as pl

        frame = pl.scan_parquet(self._path).slice(group * ROWS, ROWS).collect()
        return [_document(row) for row in frame.iter_rows(named=True)]


def write(path: Path, documents: Iterator[Document], count_tokens: Callable[[Sequence[str]], Sequence[int]]) -> None:
    """Writes documents as they come, never more than a chunk of them in memory. count_tokens: of each text of a chunk.

    An error of the iterator is raised as it is.
    """
    from polars.io.plugins import register_io_source

    raised: list[BaseException] = []

    def frames(*_: object) -> Iterator[pl.DataFrame]:
        # This runs in a thread of polars, which would turn an error into one of its own.
        try:
            for chunk in _chunks(documents):
                yield _frame(chunk, count_tokens)
        except BaseException as error:
            raised.append(error)

    register_io_source(frames, schema=_schema()).sink_parquet(path, compression="zstd", row_group_size=ROWS)
    if raised:
        raise raised[0]


def keep(path: Path, kept: npt.NDArray[np.bool_]) -> None:
    """Rewrites the file with the rows where `kept` is true."""
    import polars as pl

    rows = np.flatnonzero(kept).tolist()
    smaller = path.with_name(f"kept.{path.name}")
    chosen = pl.scan_parquet(path).with_row_index("row").filter(pl.col("row").is_in(rows)).drop("row")
    chosen.sink_parquet(smaller, compression="zstd", row_group_size=ROWS)
    smaller.replace(path)


def columns(path: Path) -> pl.DataFrame:
    """Everything but text and evidence."""
    import polars as pl

    return pl.read_parquet(path, columns=["id", "patient", "split", "codes", "tokens"])


def _chunks(documents: Iterator[Document]) -> Iterator[list[Document]]:
    chunk: list[Document] = []
    size = 0
    for document in documents:
        chunk.append(document)
        size += sum(len(note.text) for note in document.notes)
        if size >= CHARACTERS or len(chunk) >= ROWS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _schema() -> dict[str, Any]:
    import polars as pl

    span = pl.Struct({"code": pl.String, "start": pl.Int64, "end": pl.Int64})
    return {
        "id": pl.String,
        "patient": pl.String,
        "split": pl.String,
        "text": pl.String,
        "codes": pl.List(pl.String),
        "evidence": pl.List(span),
        "tokens": pl.Int32,
    }


def _frame(documents: Sequence[Document], count_tokens: Callable[[Sequence[str]], Sequence[int]]) -> pl.DataFrame:
    import polars as pl

    texts = [document.joined().text for document in documents]
    values = {
        "id": [document.id for document in documents],
        "patient": [document.patient for document in documents],
        "split": [document.split for document in documents],
        "text": texts,
        "codes": [[str(code) for code in document.codes] for document in documents],
        "evidence": [_spans(document) for document in documents],
        "tokens": count_tokens(texts),
    }
    return pl.DataFrame(values, schema=_schema())


def _spans(document: Document) -> list[dict[str, Any]] | None:
    evidence = document.joined_evidence()
    return None if evidence is None else [{"code": str(e.code), "start": e.start, "end": e.end} for e in evidence]


def _document(row: dict[str, Any]) -> Document:
    spans = row["evidence"]
    evidence = None
    if spans is not None:
        evidence = tuple(GoldEvidence(parsed(e["code"]), e["start"], e["end"]) for e in spans)
    codes = tuple(parsed(code) for code in row["codes"])
    return Document(row["id"], (Note(row["id"], row["text"]),), codes, row["patient"], row["split"], evidence)


parsed = cache(Code.parse)
