"""MDACE (Cheng et al., ACL 2023): spans of MIMIC-III notes that medical coders gave as evidence for codes.

A document is an admission with all its annotated notes, of every category; its codes are those that have a span. The
published files hold offsets and no text: notes come from the user's NOTEEVENTS, by row. A span that does not fit its
note is left out and counted.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from icdcoder.core.code import Code
from icdcoder.core.config import Settings
from icdcoder.core.document import CorpusReading, Document, GoldEvidence, Split
from icdcoder.core.errors import InputError
from icdcoder.core.note import Note
from icdcoder.corpora._mimic import splits, tables
from icdcoder.corpora._mimic.assigned import listed
from icdcoder.corpora._mimic.check_sheet import LICENCE, check_sheet, to_json
from icdcoder.corpora._mimic.labels import SPELLINGS
from icdcoder.corpora._mimic.stratify import by_patient
from icdcoder.knowledge import bundles

if TYPE_CHECKING:
    from icdcoder.corpora._mimic.tables import Notes

SYSTEMS = {
    "icd9": {"ICD-9-CM": "icd9cm", "ICD-9-PCS": "icd9pcs"},
    "icd10": {"ICD-10-CM": "icd10cm", "ICD-10-PCS": "icd10pcs"},
}
FOLDERS = {"inpatient": "Inpatient", "profee": "Profee", "icd9": "ICD-9", "icd10": "ICD-10"}


class Config(Settings):
    """root: the folder of MIMIC-III. mdace: a copy of MDACE; None takes what `icdcoder fetch mdace` brought.

    setting: charts coded for the hospital, or for the physicians' fees. variant: ICD-9 codes were mapped from the
    annotators' ICD-10 where they did not annotate them. categories: of notes, as in MIMIC; empty: all.
    split: `patient` is our own, stratified by codes; `mdace` reads the lists in splits/ of a copy of the repository;
    `caml` takes the parts of CAML's lists, so that a coder trained on MIMIC-III is tested on charts it has not seen.
    """

    root: Path
    mdace: Path | None = None
    setting: Literal["inpatient", "profee"] = "inpatient"
    variant: Literal["icd9", "icd10"] = "icd9"
    categories: tuple[str, ...] = ()
    split: Literal["patient", "mdace", "caml"] = "patient"
    lists: Path | None = None
    validation: float = Field(default=0.1, ge=0, lt=1)
    test: float = Field(default=0.3, ge=0, lt=1)
    seed: int = 0


@dataclass(frozen=True)
class Annotated:
    """One note of a chart. spans: (start, end, code, text of the span where the copy has it)."""

    row: str
    category: str
    spans: tuple[tuple[int, int, Code, str | None], ...]


@dataclass(frozen=True)
class Chart:
    admission: str
    notes: tuple[Annotated, ...]

    @property
    def codes(self) -> tuple[Code, ...]:
        return tuple(dict.fromkeys(code for note in self.notes for _, _, code, _ in note.spans))


def read(config: Config) -> CorpusReading:
    """Documents with gold evidence; they stream. Raises InputError where MDACE or NOTEEVENTS is missing or damaged."""
    dropped: Counter[str] = Counter()
    facts: dict[str, Any] = {}
    charts = _charts(config, dropped, facts)
    rows = {note.row for chart in charts for note in chart.notes}
    source = tables.notes(config.root, "noteevents", where={"row_id": rows})
    place_of = {row: place for place, row in enumerate(source.frame["row_id"])}
    patient_of = dict(zip(source.frame["hadm_id"], source.frame["subject_id"], strict=True))
    there = [chart for chart in charts if chart.admission in patient_of and chart.codes]
    dropped["charts without notes in this NOTEEVENTS, or without codes"] += len(charts) - len(there)
    if not there:
        raise InputError(f"None of the {len(rows)} notes of MDACE is in {config.root}: is it the full MIMIC-III 1.4?")
    split_of, files = _parts(config, there, patient_of)
    kept = [chart for chart in there if chart.admission in split_of]
    dropped["charts that the lists of ids do not name"] += len(there) - len(kept)
    card = {
        "name": f"MDACE {config.setting}, {config.variant.upper()}, split {config.split}",
        "licence": f"{LICENCE}; annotations MIT, cite Cheng et al. 2023",
        "labels": "mdace",
        "tables": "; ".join(tables.source_files(config.root, ["noteevents"]).values()),
        "lists": files or f"by patient, seed {config.seed}",
    }
    facts["note rows"] = source.rows
    return CorpusReading(_documents(source, kept, place_of, patient_of, split_of, dropped), dropped, card, facts)


def check(config: Config, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The check sheet: published figures beside those counted, as JSON rows."""
    return to_json(check_sheet(f"mdace_{config.setting}_{config.variant}", facts))


def _charts(config: Config, dropped: Counter[str], facts: dict[str, Any]) -> list[Chart]:
    """Charts in order of their ids. `facts` gets what the files hold before anything is left out."""
    charts = []
    seen: set[tuple[str, str]] = set()
    facts.update({"admissions annotated": 0, "notes annotated": 0, "spans": 0})
    for path in _files(config):
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            admission, notes = str(body["hadm_id"]), body["notes"]
            facts["admissions annotated"] += 1
            annotated = []
            for note in notes:
                facts["notes annotated"] += 1
                facts["spans"] += len(note["annotations"])
                seen.update((a["code_system"], a["code"]) for a in note["annotations"])
                if config.categories and note["category"] not in config.categories:
                    dropped["notes of other categories"] += 1
                    continue
                spans = _spans(note["annotations"], SYSTEMS[config.variant], dropped)
                annotated.append(Annotated(str(note["note_id"]), note["category"], spans))
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
            raise InputError(f"{path} is not a chart of MDACE.") from None
        charts.append(Chart(admission, tuple(annotated)))
    facts["codes annotated"] = len(seen)
    return charts


def _spans(
    annotations: Sequence[Mapping[str, Any]], systems: Mapping[str, str], dropped: Counter[str]
) -> tuple[tuple[int, int, Code, str | None], ...]:
    found = []
    for annotation in annotations:
        system = systems.get(annotation["code_system"])
        if system is None:
            dropped[f"spans with codes of {annotation['code_system']}"] += 1
            continue
        try:
            code = Code(system, SPELLINGS[system].dotted(annotation["code"]))
        except InputError:
            dropped["spans whose code has not the form of its system"] += 1
            continue
        found.append((int(annotation["begin"]), int(annotation["end"]), code, annotation.get("covered_text")))
    return tuple(found)


def _files(config: Config) -> list[Path]:
    folder = config.mdace or bundles.located("mdace")
    if folder is None:
        raise InputError("MDACE is not here: get it with 'icdcoder fetch mdace', or name a copy as corpus.mdace.")
    wanted = Path(FOLDERS[config.setting]) / FOLDERS[config.variant]
    for root in (folder / "data" / wanted, folder / wanted):
        if found := sorted(root.rglob("*.json")):
            return found
    raise InputError(f"{folder} holds no charts in data/{wanted.as_posix()}: corpus.mdace names the copy of MDACE.")


def _parts(config: Config, charts: Sequence[Chart], patient_of: Mapping[str, str]) -> tuple[dict[str, Split], str]:
    """admission → part, and the lists' names with hashes."""
    if config.split == "patient":
        codes_of: dict[str, set[Code]] = defaultdict(set)
        for chart in charts:
            codes_of[patient_of[chart.admission]].update(chart.codes)
        part = by_patient(codes_of, seed=config.seed, validation=config.validation, test=config.test)
        return {chart.admission: part[patient_of[chart.admission]] for chart in charts}, ""
    if config.split == "caml":
        lists = splits.caml("full", config.lists)
    else:
        lists = splits.mdace(FOLDERS[config.setting], config.lists or config.mdace)
    return lists.split_of, listed(lists.files)


def _documents(
    source: Notes,
    charts: Sequence[Chart],
    place_of: Mapping[str, int],
    patient_of: Mapping[str, str],
    split_of: Mapping[str, Split],
    dropped: Counter[str],
) -> Iterator[Document]:
    """One at a time; the temporary file of texts is closed after the last."""
    with source:
        for chart in charts:
            notes: list[Note] = []
            evidence: dict[GoldEvidence, None] = {}
            for note in chart.notes:
                if note.row not in place_of:
                    dropped["notes that are not in this NOTEEVENTS"] += 1
                    continue
                text = source.text(place_of[note.row])
                for start, end, code, said in note.spans:
                    fit = _misfit(text, start, end, said)
                    if fit:
                        dropped[fit] += 1
                    else:
                        evidence[GoldEvidence(code, start, end, len(notes))] = None
                notes.append(Note(note.row, text))
            codes = tuple(dict.fromkeys(span.code for span in evidence))
            if not codes:
                dropped["charts none of whose spans fits its note"] += 1
                continue
            patient = patient_of[chart.admission]
            yield Document(chart.admission, tuple(notes), codes, patient, split_of[chart.admission], tuple(evidence))


def _misfit(text: str, start: int, end: int, said: str | None) -> str:
    """Why a span is left out; "" where it fits. Patient text never becomes a part of it."""
    if not 0 <= start < end <= len(text):
        return "spans that lie outside their note"
    if not text[start:end].strip():
        return "spans without a word"
    if said is not None and said.split() != text[start:end].split():
        return "spans whose text is not that of the note"
    return ""
