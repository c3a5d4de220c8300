"""MIMIC-III 1.4 (Johnson et al. 2016): the data sets that the literature makes of its discharge summaries.

variant   admissions                                  codes
full      CAML's lists (Mullenbach et al. 2018)       all
top50     CAML's lists of 50                          the 50 most frequent, counted as CAML counts
rare50    KEPT's list (Yang et al. 2022)              the 50 rare ones of that list
few_shot  CAML's lists                                those of fewer than `fewer_than` training notes
clean     Edin et al. (2023)                          those of at least ten admissions

`labels` names the loader of the codes, "correct" or "caml"; see `_mimic/labels.py`. Results across the two do not
compare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from icdcoder.core.code import Code
from icdcoder.core.config import Settings
from icdcoder.core.document import CorpusReading, Document
from icdcoder.core.note import Note
from icdcoder.corpora._mimic import assigned, splits, tables
from icdcoder.corpora._mimic.assigned import Stay
from icdcoder.corpora._mimic.check_sheet import LICENCE, check_sheet, to_json
from icdcoder.corpora._mimic.labels import Labels, Loader, at_least, iii_labels, restricted
from icdcoder.corpora._mimic.rare50 import ARTEFACTS, few_shot, rare50

if TYPE_CHECKING:
    from icdcoder.corpora._mimic.tables import Notes

Variant = Literal["full", "top50", "rare50", "few_shot", "clean"]
SUMMARY = "Discharge summary"
CODES = ("hadm_id", "icd9_code")
# The data sets whose published figures depend on the loader.
BY_LOADER = ("full", "top50")
CLEAN_AT_LEAST = 10


class Config(Settings):
    """root: the folder of MIMIC-III's tables. lists: the user's copy of the lists of ids (a folder; of rare50 KEPT's
    collectrare50data.py); None takes what `icdcoder fetch` brought.

    addenda: how the notes of an admission are put in order: as in the file (CAML, Edin, MSMN), or by time, reports
    before addenda, a text that repeats left out (LAAT). fewer_than: of few_shot.
    """

    root: Path
    variant: Variant = "full"
    labels: Loader = "correct"
    lists: Path | None = None
    addenda: Literal["file", "time"] = "file"
    fewer_than: int = Field(default=10, ge=2)

    @model_validator(mode="after")
    def _fitting(self) -> Config:
        if self.variant == "clean" and self.labels == "caml":
            raise ValueError("the variant clean is made of codes read as text: labels = 'correct'")
        if self.variant == "rare50" and self.lists is None:
            raise ValueError("the variant rare50 needs corpus.lists, the path of KEPT's collectrare50data.py")
        return self


@dataclass(frozen=True)
class _Chosen:
    """What a variant is made of: parts, and codes of the admissions. whole: whether all their codes are there."""

    lists: splits.Lists
    codes: Mapping[str, Sequence[Code]]
    whole: bool


def read(config: Config) -> CorpusReading:
    """Documents are admissions; they stream. Raises InputError for a missing or damaged table or list."""
    diagnoses = tables.small_table(config.root, "diagnoses_icd", CODES)
    procedures = tables.small_table(config.root, "procedures_icd", CODES)
    source = tables.notes(config.root, "noteevents", where={"category": [SUMMARY]})
    found = assigned.stays(source.frame)
    noted = {stay.admission for stay in found}
    labels = iii_labels(diagnoses, procedures, loader=config.labels, noted=noted)
    chosen = _chosen(config, labels)
    dropped = Counter(labels.dropped)
    dropped["summaries without an admission"] += source.frame["hadm_id"].null_count()
    kept = assigned.assign(_listed(found, labels, chosen, dropped), chosen.codes, chosen.lists.split_of, dropped)
    if config.addenda == "time":
        kept = [replace(stay, notes=_by_time(source, stay.notes)) for stay in kept]
    facts = {
        "note rows": source.rows,
        "summaries": len(source),
        "admissions": len(found),
        "admissions coded": len(noted & labels.codes.keys()),
        "patients": len({stay.patient for stay in kept}),
        "distinct codes": len({code for stay in kept for code in chosen.codes[stay.admission]}),
        "top codes": [code.value for code in labels.top(50)],
    }
    read_tables = ("noteevents", "diagnoses_icd", "procedures_icd")
    card = {
        "name": f"MIMIC-III {config.variant}, labels {config.labels}",
        "licence": LICENCE,
        "labels": config.labels,
        "tables": "; ".join(tables.source_files(config.root, read_tables).values()),
        "lists": assigned.listed(chosen.lists.files),
        **_artefacts(config),
    }
    return CorpusReading(_documents(source, kept, chosen, config, dropped), dropped, card, facts)


def size(config: Config) -> int:
    """Bytes of the table that holds the notes."""
    return tables.size(config.root, "noteevents")


def check(config: Config, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The check sheet: published figures beside those counted, as JSON rows; none of few_shot, which is our own."""
    if config.variant == "few_shot":
        return []
    loader = f"_{config.labels}" if config.variant in BY_LOADER else ""
    return to_json(check_sheet(f"mimic3_{config.variant}{loader}", facts))


def _chosen(config: Config, labels: Labels) -> _Chosen:
    if config.variant == "top50":
        return _Chosen(splits.caml("50", config.lists), restricted(labels, labels.top(50)), whole=False)
    if config.variant == "rare50":
        assert config.lists is not None
        rare = rare50(config.lists)
        codes = rare.codes if config.labels == "caml" else {a: _mended(own) for a, own in rare.codes.items()}
        return _Chosen(rare.lists, codes, whole=False)
    if config.variant == "clean":
        return _Chosen(splits.edin("mimiciii_clean", config.lists), at_least(labels, CLEAN_AT_LEAST).codes, whole=False)
    lists = splits.caml("full", config.lists)
    if config.variant == "few_shot":
        rare_codes = few_shot(labels.codes, lists.split_of, fewer_than=config.fewer_than)
        return _Chosen(lists, restricted(labels, rare_codes), whole=False)
    return _Chosen(lists, labels.codes, whole=True)


def _mended(codes: Sequence[Code]) -> tuple[Code, ...]:
    """The codes of KEPT's list with the three that the reference preprocessing had damaged put right."""
    right = {damaged: said.split()[0] for damaged, said in ARTEFACTS.items()}
    return tuple(replace(code, value=right.get(code.value, code.value)) for code in codes)


def _artefacts(config: Config) -> dict[str, str]:
    if config.variant != "rare50":
        return {}
    return {"artefact codes": "; ".join(f"{damaged} stands for {said}" for damaged, said in ARTEFACTS.items())}


def _listed(found: Sequence[Stay], labels: Labels, chosen: _Chosen, dropped: Counter[str]) -> list[Stay]:
    """The admissions of the lists, without those that have codes, but none of the variant's."""
    named = [stay for stay in found if stay.admission in chosen.lists.split_of]
    dropped["admissions that the lists of ids do not name"] += len(found) - len(named)
    if chosen.whole:
        return named
    kept = [stay for stay in named if stay.admission in chosen.codes or stay.admission not in labels.codes]
    dropped["admissions with no code of the variant"] += len(named) - len(kept)
    return kept


def _by_time(source: Notes, places: Sequence[int]) -> tuple[int, ...]:
    """As LAAT sorts: time (or date), then "Report" before "Addendum"."""
    if len(places) < 2:
        return tuple(places)
    rows = source.frame[list(places)].select("charttime", "chartdate", "description").rows()
    ranked = sorted(zip(places, rows, strict=True), key=lambda pair: pair[1][2] or "", reverse=True)
    ranked.sort(key=lambda pair: (pair[1][0] or pair[1][1] or "", pair[1][1] or ""))
    return tuple(place for place, _ in ranked)


def _documents(
    source: Notes, kept: Sequence[Stay], chosen: _Chosen, config: Config, dropped: Counter[str]
) -> Iterator[Document]:
    """One at a time; the temporary file of texts is closed after the last."""
    names = source.frame["row_id"].to_list()
    with source:
        for stay in kept:
            notes = [Note(names[place], source.text(place)) for place in stay.notes]
            if config.addenda == "time":
                first = {note.text: note for note in reversed(notes)}
                unique = [note for note in notes if first[note.text] is note]
                dropped["notes that repeat another of the admission"] += len(notes) - len(unique)
                notes = unique
            codes = tuple(chosen.codes[stay.admission])
            split = chosen.lists.split_of[stay.admission]
            yield Document(stay.admission, tuple(notes), codes, stay.patient, split)
