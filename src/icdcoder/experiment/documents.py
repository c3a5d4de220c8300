"""documents.parquet: the notes of a prepared corpus. Written chunk by chunk, read a few rows at a time."""

from __future__ import annotations

import errno
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.document import Document, GoldEvidence
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.note import Note

if TYPE_CHECKING:
    import polars as pl

# Begins to count the tokens of each text of a chunk; what it returns waits for the counts.
CountTokens = Callable[[Sequence[str]], Callable[[], Sequence[int]]]
FILE = "documents.parquet"
# Documents in a row group: few enough that reading one note is quick, enough that they compress well.
ROWS = 256
# A chunk of documents is made into a frame and written when it holds so many characters, or ROWS documents.
CHARACTERS = 1 << 22
# Chunks whose tokens are being counted while others are read and compressed.
AHEAD = 5
# Documents whose codes are looked at together; a multiple of ROWS.
AT_ONCE = 64 * ROWS
# The lowest level needs half the time of the usual one for files that are a quarter larger.
COMPRESSION: dict[str, Any] = {"compression": "zstd", "compression_level": 1}


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

    def annotated(self) -> npt.NDArray[np.bool_]:
        """Which have gold evidence (or were looked through and have none); no text is read."""
        import polars as pl

        found = pl.scan_parquet(self._path).select(pl.col("evidence").is_not_null()).collect()
        return found["evidence"].to_numpy()

    def code_counts(self) -> npt.NDArray[np.int64]:
        """How many gold codes each has; no text is read."""
        import polars as pl

        found = pl.scan_parquet(self._path).select(pl.col("codes").list.len().cast(pl.Int64)).collect()
        return found["codes"].to_numpy()

    def __repr__(self) -> str:
        return f"Documents({self._count} in {self._path.name})"

    def _read(self, group: int) -> list[Document]:
        import polars as pl

        frame = pl.scan_parquet(self._path).slice(group * ROWS, ROWS).collect()
        return [_document(row) for row in frame.iter_rows(named=True)]


def write(path: Path, documents: Iterator[Document], count_tokens: CountTokens) -> None:
    """Writes documents as they come, never more than a few chunks of them in memory.

    An error of the iterator or of `count_tokens` is raised as it is.
    """
    _sink(path, _counted(_chunks(documents), count_tokens))


def keep(path: Path, kept: npt.NDArray[np.bool_]) -> None:
    """Rewrites the file with the rows where `kept` is true, a few groups at a time: polars, asked to filter the whole,
    takes as much memory as it likes."""
    smaller = path.with_name(f"kept.{path.name}")
    _sink(smaller, _kept(path, kept))
    smaller.replace(path)


def _kept(path: Path, kept: npt.NDArray[np.bool_]) -> Iterator[pl.DataFrame]:
    import polars as pl

    for start in range(0, len(kept), ROWS):
        part = kept[start : start + ROWS]
        if part.any():
            yield pl.scan_parquet(path).slice(start, ROWS).collect().filter(pl.Series(part))


def _sink(path: Path, frames: Iterator[pl.DataFrame]) -> None:
    """Writes frames as they come. An error of the iterator is raised as it is, a full disk as OSError."""
    import polars as pl
    from polars.io.plugins import register_io_source

    raised: list[BaseException] = []

    def source(*_: object) -> Iterator[pl.DataFrame]:
        # This runs in a thread of polars, which would turn an error into one of its own.
        try:
            yield from frames
        except GeneratorExit:
            raise
        except BaseException as error:
            raised.append(error)

    try:
        register_io_source(source, schema=_schema()).sink_parquet(path, row_group_size=ROWS, **COMPRESSION)
    except pl.exceptions.ComputeError as error:
        if not str(error).startswith("parquet"):
            raise
        raised.append(_write_error(str(error), path))
    if raised:
        raise raised[0]


def _write_error(said: str, path: Path) -> OSError:
    """What polars says of a file that cannot be written, which depends on the part of it that does not fit."""
    of_system = re.search(r"\(os error (\d+)\)", said)
    number = int(of_system[1]) if of_system else errno.EIO
    why = os.strerror(number) if of_system else "the file cannot be written; is the disk full?"
    return OSError(number, why, str(path))


def _counted(chunks: Iterator[list[Document]], count_tokens: CountTokens) -> Iterator[pl.DataFrame]:
    waiting: deque[tuple[list[Document], list[str], Callable[[], Sequence[int]]]] = deque()
    for chunk in chunks:
        texts = [document.joined().text for document in chunk]
        waiting.append((chunk, texts, count_tokens(texts)))
        if len(waiting) > AHEAD:
            yield _frame(*waiting.popleft())
    while waiting:
        yield _frame(*waiting.popleft())


def columns(path: Path) -> pl.DataFrame:
    """What is short of each document: neither text nor evidence nor codes."""
    import polars as pl

    return pl.read_parquet(path, columns=["id", "patient", "split", "tokens"])


def code_columns(path: Path, space: LabelSpace) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """The columns of the space that the codes of each document are, rising, one document after the other; and how many
    each document has. A few documents at a time: with all codes as text, millions of them, it took half a gigabyte."""
    import polars as pl

    names = pl.Enum([str(code) for code in space])
    count = pl.scan_parquet(path).select(pl.len()).collect().item()
    flat, lengths = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int64)]
    for start in range(0, count, AT_ONCE):
        codes = pl.scan_parquet(path).select("codes").slice(start, AT_ONCE).collect()["codes"]
        named = pl.DataFrame({"row": np.arange(len(codes)), "code": codes}).explode("code")
        number = pl.col("code").cast(names, strict=False).to_physical().cast(pl.Int32)  # null outside the space
        found = named.with_columns(number).drop_nulls().sort("row", "code")
        flat.append(found["code"].to_numpy())
        lengths.append(np.bincount(found["row"].to_numpy(), minlength=len(codes)))
    return np.concatenate(flat), np.concatenate(lengths)


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


def _frame(documents: Sequence[Document], texts: Sequence[str], tokens: Callable[[], Sequence[int]]) -> pl.DataFrame:
    import polars as pl

    values = {
        "id": [document.id for document in documents],
        "patient": [document.patient for document in documents],
        "split": [document.split for document in documents],
        "text": texts,
        "codes": _listed(["::".join(map(str, document.codes)) for document in documents]),
        "evidence": [_spans(document) for document in documents],
        "tokens": tokens(),
    }
    return pl.DataFrame(values, schema=_schema())


def _listed(joined: Sequence[str]) -> pl.Series:
    """Texts parted at "::", which no code holds: a list of Python's for each document would take four times as long."""
    import polars as pl

    text = pl.col("joined")
    none = pl.lit([], dtype=pl.List(pl.String))
    frame = pl.DataFrame({"joined": joined}, schema={"joined": pl.String})
    return frame.select(pl.when(text == "").then(none).otherwise(text.str.split("::"))).to_series()


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
