"""Notes come in: text files, standard input, JSONL, CSV and Parquet. What cannot be read is named, the rest goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from icdcoder.core.errors import InputError
from icdcoder.core.note import Note

TABLE_SUFFIXES = (".jsonl", ".ndjson", ".csv", ".parquet")


@dataclass(frozen=True)
class Refusal:
    """A part of the input that is not a note: where it stands and what is wrong, without any of its text."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


@dataclass(frozen=True)
class Columns:
    """Names of the columns (or JSON keys) that hold a note's id and text."""

    id: str = "id"
    text: str = "text"


def read_notes(
    sources: Iterable[str], columns: Columns | None = None, *, stdin: BinaryIO | None = None
) -> Iterator[Note | Refusal]:
    """Notes of all sources in order; "-" is standard input (one note, or JSONL where its lines are JSON objects).

    An id that was seen before is refused, so that no result is ambiguous. An empty note is a note.
    """
    seen: set[str] = set()
    for where, item in _items(sources, columns or Columns(), stdin):
        if isinstance(item, Note) and item.id in seen:
            yield Refusal(where, f"the id {item.id!r} was used before; only the first note with it is coded.")
            continue
        if isinstance(item, Note):
            seen.add(item.id)
        yield item


def _items(sources: Iterable[str], columns: Columns, stdin: BinaryIO | None) -> Iterator[tuple[str, Note | Refusal]]:
    for source in sources:
        if source == "-":
            yield from _standard_input((stdin or sys.stdin.buffer).read(), columns)
            continue
        path = Path(source)
        if not path.is_file():
            reason = "is a folder; name the files in it." if path.is_dir() else "there is no such file."
            yield source, Refusal(source, reason)
        elif path.suffix.lower() in (".jsonl", ".ndjson"):
            with path.open("rb") as file:
                yield from _json_lines(source, file, columns)
        elif path.suffix.lower() in (".csv", ".parquet"):
            yield from _table(source, path, columns)
        else:
            yield source, _text(source, path.stem, path.read_bytes())


def _standard_input(data: bytes, columns: Columns) -> Iterator[tuple[str, Note | Refusal]]:
    first = data.lstrip().split(b"\n", 1)[0]
    if first.startswith(b"{"):
        try:
            is_object = isinstance(json.loads(first), dict)
        except (json.JSONDecodeError, UnicodeDecodeError):
            is_object = False
        if is_object:
            yield from _json_lines("standard input", data.splitlines(), columns)
            return
    yield "standard input", _text("standard input", "stdin", data)


def _text(where: str, note_id: str, data: bytes) -> Note | Refusal:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Refusal(where, "is UTF-16 text; convert it to UTF-8 first, as with iconv -f UTF-16 -t UTF-8.")
    if b"\x00" in data:
        return Refusal(where, "is a binary file, not text.")
    try:
        # Decoding keeps every character, line ends too: offsets count what the user sent. A byte order mark is kept.
        return Note(note_id, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Refusal(where, f"is not UTF-8 text (byte {error.start}); convert it first, as with iconv.")


def _json_lines(where: str, lines: Iterable[bytes], columns: Columns) -> Iterator[tuple[str, Note | Refusal]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{where}, line {number}"
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, UnicodeDecodeError):
            yield place, Refusal(place, "is not JSON.")
            continue
        yield place, _row(place, row if isinstance(row, dict) else {}, columns)


def _table(where: str, path: Path, columns: Columns) -> Iterator[tuple[str, Note | Refusal]]:
    import polars as pl

    try:
        if path.suffix.lower() == ".parquet":
            frame = pl.read_parquet(path)
        else:
            # Ids and codes are text: nothing is inferred.
            frame = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError):
        yield where, Refusal(where, f"is not a readable {path.suffix[1:].upper()} file.")
        return
    for name in (columns.id, columns.text):
        if name not in frame.columns:
            have = ", ".join(frame.columns[:12])
            yield (
                where,
                Refusal(where, f"has no column {name!r}; it has: {have}. Name yours with --{_option(name, columns)}."),
            )
            return
    for number, row in enumerate(frame.select(columns.id, columns.text).iter_rows(named=True), start=1):
        place = f"{where}, row {number}"
        yield place, _row(place, row, columns)


def _option(name: str, columns: Columns) -> str:
    return "id-column" if name == columns.id else "text-column"


def _row(place: str, row: dict[str, Any], columns: Columns) -> Note | Refusal:
    for name in (columns.id, columns.text):
        if row.get(name) is None:
            return Refusal(place, f"has no {name!r}.")
    text = row[columns.text]
    if not isinstance(text, str):
        return Refusal(place, f"its {columns.text!r} is not text.")
    return Note(str(row[columns.id]), text)


def require_sources(sources: list[str]) -> list[str]:
    """Raises InputError where there is nothing to read."""
    if not sources:
        raise InputError("No note was given: name files, or - for standard input.")
    return sources
