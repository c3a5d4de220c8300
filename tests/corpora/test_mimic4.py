from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from icdcoder.core.config import build
from icdcoder.core.document import CorpusReading, Document
from icdcoder.core.errors import ConfigError, InputError
from icdcoder.corpora.mimic4 import Config, check, read

ADMISSIONS = {f"2{i:07}": f"1{i // 2:07}" for i in range(40)}  # two of each patient


@pytest.fixture
def mimic(tmp_path: Path) -> Path:
    """ICD-9 codes for the first half, ICD-10 for the second; one admission has both, one no note, one no code."""
    (tmp_path / "hosp").mkdir()
    (tmp_path / "note").mkdir()
    diagnoses = ["subject_id,hadm_id,seq_num,icd_code,icd_version"]
    procedures = ["subject_id,hadm_id,seq_num,chartdate,icd_code,icd_version"]
    notes = ["note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text"]
    for i, (admission, patient) in enumerate(ADMISSIONS.items()):
        if i != 39:
            rows = [("0031", "9"), ("4019", "9")] if i < 20 else [("I10", "10"), ("E119", "10")]
            rows += [("V5861", "9")] if i == 25 else []
            diagnoses += [f"{patient},{admission},{n},{code},{version}" for n, (code, version) in enumerate(rows, 1)]
        if i % 2:
            code, version = ("0066", 9) if i < 20 else ("02HV33Z", 10)
            procedures.append(f"{patient},{admission},1,2180-05-06,{code},{version}")
        if i != 38:
            notes.append(
                f'{patient}-DS-{i},{patient},{admission},DS,{i},2180-01-01,,"Note ""{i}"",\nof two lines ___\n"'
            )
    notes.append(f'again-1,{ADMISSIONS["20000020"]},20000020,DS,99,2180-01-01,,"Note ""20"",\nof two lines ___\n"')
    notes.append(f"more-1,{ADMISSIONS['20000020']},20000020,DS,98,2180-01-01,,Another")
    for name, lines in (("hosp/diagnoses_icd", diagnoses), ("hosp/procedures_icd", procedures)):
        with gzip.open(tmp_path / f"{name}.csv.gz", "wt") as file:
            file.write("\n".join(lines) + "\n")
    (tmp_path / "note" / "discharge.csv").write_text("\n".join(notes) + "\n")
    return tmp_path


def listed(folder: Path, variant: str, split_of: dict[str, str]) -> Path:
    frame = pl.DataFrame({"_id": [int(name) for name in split_of], "split": list(split_of.values())})
    frame.write_ipc(folder / f"mimiciv_{variant}_split.feather")
    return folder


def documents(reading: CorpusReading) -> dict[str, Document]:
    return {document.id: document for document in reading.documents}


def test_each_version_is_a_data_set_of_its_own(mimic: Path) -> None:
    nine = documents(read(Config(root=mimic, variant="icd9", split="patient")))
    ten = documents(read(Config(root=mimic, variant="icd10", split="patient")))
    assert {str(c) for d in nine.values() for c in d.codes} == {
        "icd9cm:003.1", "icd9cm:401.9", "icd9cm:V58.61", "icd9pcs:00.66",
    }  # fmt: skip
    assert {str(c) for d in ten.values() for c in d.codes} == {"icd10cm:I10", "icd10cm:E11.9", "icd10pcs:02HV33Z"}
    assert set(nine) & set(ten) == {"20000025"}


def test_a_patient_is_in_one_part(mimic: Path) -> None:
    got = documents(read(Config(root=mimic, split="patient", validation=0.2, test=0.3, variant="icd9")))
    parts: dict[str, set[str]] = {}
    for document in got.values():
        parts.setdefault(document.patient, set()).add(document.split)
    assert all(len(own) == 1 for own in parts.values())
    assert set().union(*parts.values()) == {"train", "validation", "test"}


def test_lists_of_ids_choose_admissions_and_what_is_left_out_is_said(mimic: Path, tmp_path: Path) -> None:
    split_of = {f"2{i:07}": "train" if i < 30 else "val" if i < 34 else "test" for i in range(20, 39)}
    split_of["29999999"] = "test"
    lists = listed(tmp_path, "icd10", split_of)
    reading = read(Config(root=mimic, lists=lists, min_admissions=1))
    got = documents(reading)
    assert Counter(d.split for d in got.values()) == {"train": 10, "validation": 4, "test": 4}
    assert reading.dropped["admissions of the lists of ids without notes"] == 2
    assert reading.dropped["notes of admissions that the lists of ids do not name"] == 21
    assert reading.dropped["admissions with notes and without codes"] == 0
    assert reading.facts["note rows"] == 41
    assert reading.card["labels"] == "correct"
    assert "PhysioNet" in reading.card["licence"]
    assert reading.card["lists"].startswith("mimiciv_icd10_split.feather ")
    assert str(tmp_path) not in "".join(reading.card.values())


def test_notes_of_an_admission_stand_together_and_a_repeated_one_counts_once(mimic: Path) -> None:
    reading = read(Config(root=mimic, split="patient"))
    got = documents(reading)["20000020"]
    assert [note.text for note in got.notes] == ['Note "20",\nof two lines ___\n', "Another"]
    assert reading.dropped["notes that repeat another of the admission"] == 1


def test_rare_codes_go_by_default_with_the_published_split_only(mimic: Path, tmp_path: Path) -> None:
    lists = listed(tmp_path, "icd10", {f"2{i:07}": "train" for i in range(20, 39)})
    got = documents(read(Config(root=mimic, lists=lists)))
    assert {c.value for d in got.values() for c in d.codes} == {"I10", "E11.9"}  # 02HV33Z has nine admissions
    assert "02HV33Z" in {
        c.value for d in documents(read(Config(root=mimic, split="patient"))).values() for c in d.codes
    }


def test_the_check_sheet_names_both_sides(mimic: Path) -> None:
    rows = {row["what"]: row for row in check(Config(root=mimic, variant="icd9"), {"train documents": 154_000})}
    assert (rows["train documents"]["published"], rows["train documents"]["yours"]) == (154_542, 154_000)
    assert "3.x" in rows["train documents"]["because"]


def test_wrong_lists_missing_tables_and_unknown_settings_are_sentences(mimic: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Are the lists of ids those of this version"):
        read(Config(root=mimic, lists=listed(tmp_path, "icd10", {"1": "train"})))
    with pytest.raises(InputError, match="MIMIC-IV-ICD"):
        read(Config(root=mimic, split="mimic-iv-icd"))
    with pytest.raises(ConfigError, match="corpus.variant"):
        build(Config, {"root": mimic, "variant": "icd11"}, "corpus")
    (mimic / "hosp" / "procedures_icd.csv.gz").unlink()
    with pytest.raises(InputError, match="procedures_icd"):
        read(Config(root=mimic, split="patient"))


@pytest.fixture(scope="module")
def fake(fake_mimic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fake_mimic.write(tmp_path_factory.mktemp("mimic4"), notes=300, version=4)


@pytest.mark.parametrize("split", ["mimic-iv-icd", "patient"])
def test_both_versions_of_made_up_tables(fake: Any, split: Any) -> None:
    lists = fake.folder / "splits"
    ids = {}
    for variant, old in (("icd9", True), ("icd10", False)):
        reading = read(Config(root=fake.folder, variant=variant, split=split, lists=lists))  # type: ignore[arg-type]
        found = documents(reading)
        ids[variant] = set(found)
        assert {code.system for d in found.values() for code in d.codes} == {f"{variant}cm", f"{variant}pcs"}
        coded = {
            str(a.number)
            for a in fake.admissions
            if a.noted and (a.old_diagnoses + a.old_procedures if old else a.diagnoses + a.procedures)
        }
        # Not all admissions get a note, where so many rows are asked for.
        assert 0.9 * len(coded) < len(found) <= len(coded)
        twice = found["100002" if old else "100001"]
        assert len(twice.notes) == (1 if old else 2)
        if old:
            assert [str(code) for code in twice.codes] == ["icd9cm:003.1", "icd9cm:V58.61", "icd9pcs:00.31"]
            assert reading.dropped["notes that repeat another of the admission"] == 1
    assert "100001" in ids["icd9"] & ids["icd10"]
