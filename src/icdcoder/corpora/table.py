"""Any table of notes with codes: JSONL, CSV or Parquet with one row a document.

Columns: id, text, codes; optionally patient, split, system. Codes are a list, or text with `;`, `,` or blanks between
them; a code is typed ("icd10cm:I10") or is of the row's `system`, or of the configuration's. Nothing is read as a
number, so that leading zeros stay. Without a split column, patients are split by seed.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from pydantic import Field

from icdcoder import systems
from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.config import Settings
from icdcoder.core.document import SPLITS, CorpusReading, Document, Split, refuse_crossing_patients
from icdcoder.core.errors import InputError, did_you_mean
from icdcoder.core.note import Note

SPLIT_NAMES = {**{split: split for split in SPLITS}, "val": "validation", "valid": "validation", "dev": "validation"}
_BETWEEN = re.compile(r"[;,\s]+")


class Config(Settings):
    """path: the file. system: of codes that are not typed. validation, test: shares of patients, drawn by seed.

    id, text, codes, patient, split: names of the columns; a document without a patient is its own patient.
    """

    path: Path
    system: str | None = None
    id: str = "id"
    text: str = "text"
    codes: str = "codes"
    patient: str = "patient"
    split: str = "split"
    validation: float = Field(default=0.1, ge=0, lt=1)
    test: float = Field(default=0.2, ge=0, lt=1)
    seed: int = 0
    licence: str = "that of the file"


def read(config: Config) -> CorpusReading:
    """Raises InputError for a missing file or column, an id used twice, an unknown split, or a code without system."""
    dropped: Counter[str] = Counter()
    documents: list[Document] = []
    seen: dict[str, str] = {}
    for place, row in _rows(config, dropped):
        document = _document(config, place, row)
        if document.id in seen:
            raise InputError(f"{place}: the id {document.id!r} was used before, in {seen[document.id]}.")
        seen[document.id] = place
        if not document.notes[0].text.strip():
            dropped["documents without text"] += 1
            continue
        documents.append(document)
    if not documents:
        raise InputError(f"{config.path} holds no document.")
    if not any(document.split for document in documents):
        documents = _split_by_patient(documents, config)
    card = {"name": config.path.name, "licence": config.licence}
    return CorpusReading(tuple(_checked(documents)), dropped, card)


def _rows(config: Config, dropped: Counter[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    path = config.path
    if not path.is_file():
        raise InputError(f"There is no file {path}; corpus.path names a JSONL, CSV or Parquet file.")
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        yield from _json_lines(path, dropped)
    elif suffix in (".csv", ".parquet"):
        yield from _frame(path, suffix)
    else:
        raise InputError(f"{path} is no table that is known by its ending: .jsonl, .csv or .parquet.")


def _json_lines(path: Path, dropped: Counter[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    broken = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (json.JSONDecodeError, UnicodeDecodeError):
                row = None
            if isinstance(row, dict):
                yield f"{path}, line {number}", row
            else:
                broken.append(number)
    if broken:
        shown = ", ".join(map(str, broken[:10])) + (" …" if len(broken) > 10 else "")
        dropped[f"lines that are no JSON object ({shown})"] += len(broken)


def _frame(path: Path, suffix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    import polars as pl

    try:
        frame = pl.read_parquet(path) if suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError):
        raise InputError(f"{path} is not a readable {suffix[1:].upper()} file.") from None
    for number, row in enumerate(frame.iter_rows(named=True), start=1):
        yield f"{path}, row {number}", row


def _document(config: Config, place: str, row: dict[str, Any]) -> Document:
    for column in (config.id, config.text, config.codes):
        if column not in row:
            known = [str(key) for key in row]
            raise InputError(
                f"{place}: there is no column {column!r}.{did_you_mean(column, known)} It has: {', '.join(known[:12])}."
            )
    name = row[config.id]
    if name is None or not isinstance(row[config.text], str | None):
        raise InputError(f"{place}: the id is missing or the text is not text.")
    patient = row.get(config.patient)
    return Document(
        id=str(name),
        notes=(Note(str(name), row[config.text] or ""),),
        codes=_codes(config, place, row),
        patient=str(name if patient is None else patient),
        split=_split(place, row.get(config.split)),
    )


def _split(place: str, value: Any) -> Split:
    if value is None:
        return cast(Split, "")
    split = SPLIT_NAMES.get(str(value).lower())
    if split is None:
        raise InputError(f"{place}: the split {str(value)!r} is none of {', '.join(SPLITS)}.")
    return cast(Split, split)


def _codes(config: Config, place: str, row: dict[str, Any]) -> tuple[Code, ...]:
    given = row[config.codes]
    if given is None:
        given = []
    parts = [part for part in _BETWEEN.split(given) if part] if isinstance(given, str) else given
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise InputError(f"{place}: codes must be text, since a number has lost its zeros.")
    default = row.get("system") or config.system
    return tuple(dict.fromkeys(_code(part, default, place) for part in parts))


def _code(text: str, default: str | None, place: str) -> Code:
    system, colon, value = text.partition(":")
    if not colon:
        if default is None:
            raise InputError(f"{place}: {text!r} has no code system; write icd10cm:{text}, or set corpus.system.")
        system, value = default, text
    known = components.names("systems")
    if system not in known:
        raise InputError(f"{place}: there is no code system {system!r}.{did_you_mean(system, known)}")
    try:
        return systems.load(system).spell(value)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _split_by_patient(documents: list[Document], config: Config) -> list[Document]:
    patients = sorted({document.patient for document in documents})
    random.Random(config.seed).shuffle(patients)
    test = round(config.test * len(patients))
    validation = round(config.validation * len(patients))
    split_of: dict[str, Split] = dict.fromkeys(patients, "train")
    split_of.update(dict.fromkeys(patients[:test], "test"))
    split_of.update(dict.fromkeys(patients[test : test + validation], "validation"))
    return [Document(d.id, d.notes, d.codes, d.patient, split_of[d.patient], d.evidence) for d in documents]


def _checked(documents: list[Document]) -> list[Document]:
    """Raises InputError where some rows have a split and others none, or a patient is in two of them."""
    for document in documents:
        if not document.split:
            raise InputError(f"The document {document.id!r} has no split, and others have.")
    refuse_crossing_patients(documents)
    return documents
