"""The data sets of MIMIC-III, on tables of the same shape."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from icdcoder.core.code import Code
from icdcoder.core.config import build
from icdcoder.core.document import CorpusReading, Document, refuse_crossing_patients
from icdcoder.core.errors import ConfigError
from icdcoder.corpora.mimic3 import Config, check, read


@pytest.fixture(scope="module")
def made(fake_mimic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fake_mimic.write(tmp_path_factory.mktemp("mimic3"), notes=7000)


def reading(made: Any, **settings: Any) -> tuple[CorpusReading, list[Document]]:
    config = build(Config, {"root": made.folder, "lists": made.folder / "splits", **settings}, "corpus")
    found = read(config)
    return found, list(found.documents)


def test_every_admission_with_notes_and_codes_is_one_document(made: Any) -> None:
    found, documents = reading(made)
    coded = {str(a.number) for a in made.admissions if a.noted and any(a.diagnoses + a.procedures)}
    assert {document.id for document in documents} == coded
    assert len(documents) == len(coded)
    assert found.facts["note rows"] == made.note_rows
    assert found.facts["admissions"] == sum(a.noted for a in made.admissions)
    assert sum(len(document.notes) for document in documents) > len(documents)  # addenda are joined
    refuse_crossing_patients(documents)


def test_codes_are_text_and_typed_and_stand_once(made: Any) -> None:
    _, documents = reading(made)
    by_id = {document.id: document for document in documents}
    first = by_id["100000"].codes
    assert set(first) == {
        *(Code("icd9cm", value) for value in ("003.1", "401.9", "V58.61")),
        *(Code("icd9pcs", value) for value in ("00.31", "04.07")),
    }
    assert Code("icd9cm", "E878.8") in by_id["100001"].codes
    assert all(len(set(document.codes)) == len(document.codes) for document in documents)


def test_the_damaged_codes_on_demand(made: Any) -> None:
    found, documents = reading(made, labels="caml")
    values = {code.value for document in documents for code in document.codes if code.system == "icd9pcs"}
    assert "04.07" not in values
    assert "40.7" in values
    assert found.card["labels"] == "caml"


def test_top50(made: Any) -> None:
    found, documents = reading(made, variant="top50")
    counts = Counter(
        code
        for a in made.admissions
        if a.noted
        for code in [f"9cm:{c}" for c in a.diagnoses if c] + [f"9pcs:{c}" for c in a.procedures if c]
    )
    fewest = sorted(counts.values(), reverse=True)[49]
    kept = {code for document in documents for code in document.codes}
    assert 1 < len(kept) <= 50
    assert all(counts[f"{c.system.removeprefix('icd')}:{c.value.replace('.', '')}"] >= fewest for c in kept)
    assert len(found.facts["top codes"]) == 50
    assert {row["what"] for row in check(build(Config, {"root": made.folder, "variant": "top50"}, ""), found.facts)}


def test_few_shot_needs_no_list_of_codes(made: Any) -> None:
    _, whole = reading(made)
    _, documents = reading(made, variant="few_shot", fewer_than=4)
    training = Counter(code for document in whole if document.split == "train" for code in document.codes)
    wanted = {code for code, count in training.items() if count < 4}
    assert {code for document in documents for code in document.codes} == wanted


def rare_file(made: Any, path: Path) -> Path:
    """A file in the form of KEPT's, with a code that the reference preprocessing damaged."""
    noted = [a for a in made.admissions if a.noted][:6]
    ids = [f"{a.subject}_{a.number}" for a in noted]
    parts = [ids[:3], ids[3:4], ids[4:]]
    labels = [["40.7", "148.1;148.1", "V10.61"], ["148.1"], ["40.7", "V10.61"]]
    path.write_text(
        "\n".join(
            f"{part}_ids = {a!r}\n{part}_labels = {b!r}"
            for part, a, b in zip(("train", "dev", "test"), parts, labels, strict=True)
        )
    )
    return path


def test_rare50_with_its_artefacts_or_with_the_codes_they_stand_for(made: Any, tmp_path: Path) -> None:
    path = rare_file(made, tmp_path / "collectrare50data.py")
    for labels, value in (("caml", "40.7"), ("correct", "04.07")):
        found, documents = reading(made, variant="rare50", lists=path, labels=labels)
        codes = {code for document in documents for code in document.codes}
        assert codes == {Code("icd9pcs", value), Code("icd9cm", "148.1"), Code("icd9cm", "V10.61")}
        assert Counter(d.split for d in documents) == {"train": 3, "validation": 1, "test": 2}
        assert "40.7 stands for 04.07" in found.card["artefact codes"]


def test_clean(made: Any, tmp_path: Path) -> None:
    noted = [a.number for a in made.admissions if a.noted]
    frame = pl.DataFrame(
        {"_id": noted, "split": ["train", "val", "test"] * (len(noted) // 3) + ["train"] * (len(noted) % 3)}
    )
    frame.write_ipc(tmp_path / "mimiciii_clean_splits.feather", compression="uncompressed")
    _, documents = reading(made, variant="clean", lists=tmp_path)
    counts = Counter(code for document in documents for code in document.codes)
    assert counts
    assert min(counts.values()) >= 10


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variant": "clean", "labels": "caml"}, "labels = 'correct'"),
        ({"variant": "rare50"}, "collectrare50data"),
        ({"variant": "top"}, "top50"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(Config, {"root": "x", **settings}, "corpus")


def small(folder: Path, rows: list[str]) -> Path:
    """Three admissions of one patient in tables of a few rows."""
    folder.mkdir()
    header = "ROW_ID,SUBJECT_ID,HADM_ID,CHARTDATE,CHARTTIME,STORETIME,CATEGORY,DESCRIPTION,CGID,ISERROR,TEXT"
    (folder / "NOTEEVENTS.csv").write_text("\n".join([header, *rows]) + "\n")
    (folder / "DIAGNOSES_ICD.csv").write_text('ROW_ID,SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE\n1,7,11,1,"0031"\n')
    (folder / "PROCEDURES_ICD.csv").write_text("ROW_ID,SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE\n")
    for part, ids in (("train", "11\n"), ("dev", ""), ("test", "")):
        (folder / f"{part}_full_hadm_ids.csv").write_text(ids)
    return folder


def test_addenda_in_the_order_of_the_file_or_of_time(tmp_path: Path) -> None:
    summary = "Discharge summary"
    root = small(
        tmp_path / "mimic",
        [
            f'1,7,11,2151-08-05,,,"{summary}","Addendum",,,"added"',
            f'2,7,11,2151-08-04,,,"{summary}","Report",,,"reported"',
            f'3,7,11,2151-08-05,,,"{summary}","Report",,,"reported late"',
            f'4,7,11,2151-08-06,,,"{summary}","Addendum",,,"added"',
            f'5,7,,2151-08-06,,,"{summary}","Report",,,"of no admission"',
        ],
    )
    texts = {}
    for order in ("file", "time"):
        found = read(build(Config, {"root": root, "lists": root, "addenda": order}, "corpus"))
        (document,) = found.documents
        texts[order] = [note.text for note in document.notes]
        assert found.dropped["summaries without an admission"] == 1
    assert texts["file"] == ["added", "reported", "reported late", "added"]
    assert texts["time"] == ["reported", "reported late", "added"]
