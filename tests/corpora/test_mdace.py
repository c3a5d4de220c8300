from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from icdcoder.coder import Coder
from icdcoder.core.code import Code
from icdcoder.core.document import CorpusReading, Document
from icdcoder.core.errors import ArtefactError, InputError
from icdcoder.corpora import mdace
from icdcoder.corpora.mdace import Config, read
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.flow import run
from icdcoder.experiment.measuring import measure_coder
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.training import train_model

REAL = Path(os.environ.get("ICDCODER_DATA", Path(__file__).parents[3] / "shared" / "data")) / "mimic" / "mdace"
TEXT = 'Chief complaint: fever.\nHistory of hypertension, "mild"'


def span(begin: int, end: int, code: str, system: str = "ICD-9-CM", **more: Any) -> dict[str, Any]:
    return {"begin": begin, "end": end, "code": code, "code_system": system, "description": "", "type": "Human", **more}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """(MIMIC-III, MDACE) with ten charts of two notes."""
    quoted = TEXT.replace('"', '""')
    rows = ["ROW_ID,SUBJECT_ID,HADM_ID,CHARTDATE,CHARTTIME,STORETIME,CATEGORY,DESCRIPTION,CGID,ISERROR,TEXT"]
    charts = tmp_path / "mdace" / "data" / "Inpatient" / "ICD-9" / "1.0"
    charts.mkdir(parents=True)
    for i in range(10):
        for row, category in ((2 * i, "Discharge summary"), (2 * i + 1, "Radiology")):
            rows.append(f'{row},{i // 2},{100 + i},2151-08-04,,,"{category}",Report,,,"{quoted}"')
        summary = [span(17, 22, "780.60"), *[span(35, 47, "401.9")] * 2, span(17, 22, "99.04", "ICD-9-PCS")]
        notes = [
            {"note_id": 2 * i, "category": "Discharge summary", "description": "Report", "annotations": summary},
            {"note_id": 2 * i + 1, "category": "Radiology", "description": "", "annotations": [summary[1]]},
        ]
        (charts / f"{100 + i}-ICD-9.json").write_text(json.dumps({"hadm_id": 100 + i, "comment": "", "notes": notes}))
    rows.append('999,1,555,2151-08-04,,,Nursing,Report,,,"another"')
    mimic = tmp_path / "mimic"
    mimic.mkdir()
    (mimic / "NOTEEVENTS.csv").write_text("\n".join(rows) + "\n")
    return mimic, tmp_path / "mdace"


def documents(reading: CorpusReading) -> dict[str, Document]:
    return {document.id: document for document in reading.documents}


def chart(folder: Path, number: int) -> tuple[Path, dict[str, Any]]:
    path = folder / "data" / "Inpatient" / "ICD-9" / "1.0" / f"{number}-ICD-9.json"
    return path, json.loads(path.read_text())


def test_spans_point_into_the_notes_of_the_table(folders: tuple[Path, Path]) -> None:
    reading = read(Config(root=folders[0], mdace=folders[1]))
    got = documents(reading)
    assert len(got) == 10
    document = got["103"]
    assert [note.text for note in document.notes] == [TEXT, TEXT]
    assert document.patient == "1"
    assert document.codes == (Code("icd9cm", "780.60"), Code("icd9cm", "401.9"), Code("icd9pcs", "99.04"))
    found = [(e.note, TEXT[e.start : e.end], e.code.value) for e in document.evidence or ()]
    assert found == [
        (0, "fever", "780.60"), (0, "hypertension", "401.9"), (0, "fever", "99.04"), (1, "hypertension", "401.9"),
    ]  # fmt: skip
    joined = document.joined().text
    assert {joined[e.start : e.end] for e in document.joined_evidence() or ()} == {"fever", "hypertension"}


def test_spans_that_do_not_fit_are_left_out_and_counted(folders: tuple[Path, Path]) -> None:
    path, body = chart(folders[1], 104)
    body["notes"][0]["annotations"] = [
        span(17, 9_999, "780.60"), span(23, 24, "486"), span(17, 22, "99213", "CPT"), span(17, 22, "fever"),
        span(17, 22, "401.9", covered_text="fever"), span(17, 22, "428.0", covered_text="cough"),
    ]  # fmt: skip
    body["notes"][1]["note_id"] = 12_345
    path.write_text(json.dumps(body))
    reading = read(Config(root=folders[0], mdace=folders[1]))
    got = documents(reading)["104"]
    assert got.codes == (Code("icd9cm", "401.9"),)
    assert len(got.notes) == 1
    assert {reason: count for reason, count in reading.dropped.items() if count} == {
        "spans that lie outside their note": 1,
        "spans without a word": 1,
        "spans with codes of CPT": 1,
        "spans whose code has not the form of its system": 1,
        "spans whose text is not that of the note": 1,
        "notes that are not in this NOTEEVENTS": 1,
    }
    assert not any("fever" in reason or "cough" in reason for reason in reading.dropped)


def test_patients_are_not_parted_and_lists_can_be_taken(folders: tuple[Path, Path]) -> None:
    got = documents(read(Config(root=folders[0], mdace=folders[1], test=0.4)))
    parts: dict[str, set[str]] = {}
    for document in got.values():
        parts.setdefault(document.patient, set()).add(document.split)
    assert all(len(own) == 1 for own in parts.values())
    folder = folders[1] / "splits" / "Inpatient"
    folder.mkdir(parents=True)
    for word, ids in (("train", "100\n101\n"), ("val", "102\n"), ("test", "104\n")):
        (folder / f"MDace-ev-{word}.csv").write_text(ids)
    reading = read(Config(root=folders[0], mdace=folders[1], split="mdace"))
    assert Counter(d.split for d in documents(reading).values()) == {"train": 2, "validation": 1, "test": 1}
    assert reading.dropped["charts that the lists of ids do not name"] == 6


def experiment(folders: tuple[Path, Path], name: str, **tables: Any) -> Experiment:
    model = {"kind": "caml", "filters": 8, "embedding": 8}
    own = {"kind": "mdace", "root": str(folders[0]), "mdace": str(folders[1]), **tables.pop("corpus", {})}
    runs = str(folders[0].parent / "runs")
    text = {"min_documents": 1}
    return Experiment.resolve({"name": name, "runs": runs, "corpus": own, "text": text, "model": model, **tables})


@pytest.fixture
def in_test(folders: tuple[Path, Path]) -> dict[str, Any]:
    """Settings by which every chart is in CAML's test list, as all those of MDACE are."""
    lists = folders[0] / "lists"
    lists.mkdir()
    for part, ids in (("train", "7\n"), ("dev", "8\n"), ("test", "\n".join(str(100 + i) for i in range(10)))):
        (lists / f"{part}_full_hadm_ids.csv").write_text(ids)
    return {"split": "caml", "lists": str(lists)}


def test_a_trained_coder_is_measured_on_charts_that_are_all_in_the_test_part(
    folders: tuple[Path, Path], in_test: dict[str, Any]
) -> None:
    trained = experiment(folders, "trained", corpus={"validation": 0.2}, train={"epochs": 2, "batch_size": 4})
    run(trained)
    asked = experiment(folders, "measured", corpus=in_test)
    prepared = prepare(asked)
    assert prepared.card["fitted"].startswith("nothing: the corpus has no training documents")
    assert prepared.card["counts"]["test documents"] == len(prepared.documents) == 10
    assert len(prepared.space) == 3
    assert prepare(asked).space == prepared.space
    figures, _ = measure_coder(asked, Coder.load(trained.coder))
    assert figures["notes"] == 10
    assert figures["evidence_codes"] > 0
    assert "evidence_character_f1" in figures
    with pytest.raises(ArtefactError, match="no train documents"):
        train_model(asked)


def test_nothing_is_chosen_on_test_charts(folders: tuple[Path, Path], in_test: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"no training documents on which labels\.top could be fitted"):
        prepare(experiment(folders, "chosen", corpus=in_test, labels={"top": 2}))


def test_categories_can_be_chosen(folders: tuple[Path, Path]) -> None:
    reading = read(Config(root=folders[0], mdace=folders[1], categories=("Radiology",)))
    assert all(len(document.notes) == 1 for document in documents(reading).values())
    assert reading.dropped["notes of other categories"] == 10


def test_missing_and_broken_files_are_sentences(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICDCODER_CACHE", str(folders[0] / "cache"))
    with pytest.raises(InputError, match="icdcoder fetch mdace"):
        read(Config(root=folders[0]))
    with pytest.raises(InputError, match="no charts in data/Profee/ICD-9"):
        read(Config(root=folders[0], mdace=folders[1], setting="profee"))
    (folders[0] / "NOTEEVENTS.csv").write_text(
        'ROW_ID,SUBJECT_ID,HADM_ID,CATEGORY,TEXT\n7777,1,1,Radiology,"nothing of it"\n'
    )
    with pytest.raises(InputError, match="is it the full MIMIC-III"):
        read(Config(root=folders[0], mdace=folders[1]))
    chart(folders[1], 100)[0].write_text("[]")
    with pytest.raises(InputError, match="is not a chart of MDACE"):
        read(Config(root=folders[0], mdace=folders[1]))


@pytest.mark.skipif(not REAL.is_dir(), reason=f"MDACE is not at {REAL}")
@pytest.mark.parametrize("setting", ["inpatient", "profee"])
@pytest.mark.parametrize("variant", ["icd9", "icd10"])
def test_published_counts_of_the_annotation_files(setting: Any, variant: Any) -> None:
    config = Config(root=REAL, mdace=REAL, setting=setting, variant=variant)
    facts: dict[str, Any] = {}
    charts = mdace._charts(config, Counter(), facts)
    assert len({c.admission for c in charts}) == facts["admissions annotated"]
    sheet = [row for row in mdace.check(config, facts) if row["published"] is not None]
    assert len(sheet) == 4
    assert {row["verdict"] for row in sheet} == {"same"}
    ids = [note.row for c in charts for note in c.notes]
    assert len(ids) == len(set(ids))
