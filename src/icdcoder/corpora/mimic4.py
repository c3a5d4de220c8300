"""MIMIC-IV (Johnson et al. 2023, versions 2.2 and 3.x) with the discharge summaries of MIMIC-IV-Note.

Two data sets that are never mixed, as each row of the code tables says whether it is ICD-9 or ICD-10; seven admissions
have rows of both. Splits: `edin` (Edin et al. 2023) and `mimic-iv-icd` (Nguyen et al. 2023) are lists of ids made on
2.2; `patient` is our own, of whole patients and stratified by codes, and fits any version.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from icdcoder.core.code import Code
from icdcoder.core.config import Settings
from icdcoder.core.document import CorpusReading, Document, Split
from icdcoder.core.note import Note
from icdcoder.corpora._mimic import assigned, splits, tables
from icdcoder.corpora._mimic.assigned import Stay
from icdcoder.corpora._mimic.check_sheet import LICENCE, check_sheet, to_json
from icdcoder.corpora._mimic.labels import Labels, at_least, iv_labels
from icdcoder.corpora._mimic.stratify import by_patient

if TYPE_CHECKING:
    from icdcoder.corpora._mimic.tables import Notes

VERSION: dict[str, Literal[9, 10]] = {"icd9": 9, "icd10": 10}
CODES = ("hadm_id", "icd_code", "icd_version")


class Config(Settings):
    """root: the folder of MIMIC-IV, with hosp/. notes: that of MIMIC-IV-Note, with note/; None: it is in root too.

    lists: the user's copy of the lists of ids; None takes what `icdcoder fetch edin-splits` brought.
    min_admissions: codes of fewer admissions, of all parts, are left out; None: 10 for `edin`, as published, else 1.
    validation, test, seed: of the split by patient.
    """

    root: Path
    notes: Path | None = None
    variant: Literal["icd9", "icd10"] = "icd10"
    split: Literal["edin", "mimic-iv-icd", "patient"] = "edin"
    lists: Path | None = None
    min_admissions: int | None = Field(default=None, ge=1)
    validation: float = Field(default=0.1, ge=0, lt=1)
    test: float = Field(default=0.15, ge=0, lt=1)
    seed: int = 0


def read(config: Config) -> CorpusReading:
    """Documents are admissions; they stream. Raises InputError for a missing or damaged table or list."""
    version = VERSION[config.variant]
    lists = _lists(config)
    diagnoses = tables.small_table(config.root, "diagnoses_icd", CODES)
    procedures = tables.small_table(config.root, "procedures_icd", CODES)
    # The texts lie in a temporary file meanwhile: only those that are wanted.
    where = {"hadm_id": lists.split_of.keys()} if lists else None
    source = tables.notes(config.notes or config.root, "discharge", where=where)
    found = assigned.stays(source.frame)
    labels = iv_labels(diagnoses, procedures, version=version, noted={stay.admission for stay in found})
    if (least := _least(config)) > 1:
        labels = at_least(labels, least)
    dropped = Counter(labels.dropped)
    dropped["notes of admissions that the lists of ids do not name"] += source.rows - len(source)
    split_of = lists.split_of if lists else _by_patient(config, found, labels)
    kept = assigned.assign(found, labels.codes, split_of, dropped)
    facts = {
        "note rows": source.rows,
        "admissions": len(found),
        "admissions coded": len(kept),
        "patients": len({stay.patient for stay in kept}),
        "distinct codes": labels.distinct(),
    }
    card = {
        "name": f"MIMIC-IV {config.variant.upper()}, split {config.split}",
        "licence": LICENCE,
        "labels": labels.loader,
        "tables": "; ".join(
            [
                *tables.source_files(config.root, ["diagnoses_icd", "procedures_icd"]).values(),
                *tables.source_files(config.notes or config.root, ["discharge"]).values(),
            ]
        ),
        "lists": assigned.listed(lists.files) if lists else f"by patient, seed {config.seed}",
    }
    return CorpusReading(_documents(source, kept, labels, split_of, dropped), dropped, card, facts)


def size(config: Config) -> int:
    """Bytes of the table that holds the notes."""
    return tables.size(config.notes or config.root, "discharge")


def check(config: Config, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The check sheet: published figures beside those counted, as JSON rows."""
    return to_json(check_sheet(f"mimic4_{config.variant}_{config.split}", facts))


def _lists(config: Config) -> splits.Lists | None:
    if config.split == "patient":
        return None
    if config.split == "edin":
        return splits.edin(f"mimiciv_{config.variant}", config.lists)
    return splits.mimic_iv_icd(VERSION[config.variant], "full", config.lists)


def _least(config: Config) -> int:
    return config.min_admissions or (10 if config.split == "edin" else 1)


def _by_patient(config: Config, found: list[Stay], labels: Labels) -> dict[str, Split]:
    codes_of: dict[str, set[Code]] = defaultdict(set)
    for stay in found:
        if stay.admission in labels.codes:
            codes_of[stay.patient].update(labels.codes[stay.admission])
    part = by_patient(codes_of, seed=config.seed, validation=config.validation, test=config.test)
    return {stay.admission: part[stay.patient] for stay in found if stay.patient in part}


def _documents(
    source: Notes, kept: list[Stay], labels: Labels, split_of: Mapping[str, Split], dropped: Counter[str]
) -> Iterator[Document]:
    """One at a time; the temporary file of texts is closed after the last."""
    names = source.frame["note_id"].to_list()
    with source:
        for stay in kept:
            texts: dict[str, str] = {}
            for place in stay.notes:
                # The same text twice in an admission is one note, as Edin et al. take it.
                text = source.text(place)
                dropped["notes that repeat another of the admission"] += text in texts
                texts.setdefault(text, names[place])
            notes = tuple(Note(name, text) for text, name in texts.items())
            codes = labels.codes[stay.admission]
            yield Document(stay.admission, notes, codes, stay.patient, split_of[stay.admission])
