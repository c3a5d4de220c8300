from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from icdcoder.core.code import Code
from icdcoder.core.document import CorpusReading
from icdcoder.core.errors import InputError
from icdcoder.corpora.table import Config, read


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def rows(count: int = 10, **more: Any) -> list[dict[str, Any]]:
    return [{"id": f"n{i}", "text": f"note {i}", "codes": ["I10", "E119"], **more} for i in range(count)]


def reading(path: Path, **settings: Any) -> CorpusReading:
    return read(Config(path=path, system="icd10cm", **settings))


def test_codes_are_spelled_and_typed(tmp_path: Path) -> None:
    given = [{"id": "1", "text": "t", "codes": "i10; icd9cm:4280,icd9pcs:0066 I10", "split": "train"}]
    (document,) = reading(written(tmp_path / "a.jsonl", given)).documents
    assert document.codes == (
        Code("icd10cm", "I10"),
        Code("icd9cm", "428.0"),
        Code("icd9pcs", "00.66"),
    )


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_ids_and_codes_stay_text(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    frame = pl.DataFrame(
        {"id": ["007"], "text": ["a\nb"], "codes": ["003.1"], "split": ["train"], "system": ["icd9cm"]}
    )
    frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
    (document,) = read(Config(path=path)).documents
    assert document.id == "007"
    assert document.codes == (Code("icd9cm", "003.1"),)
    assert document.notes[0].text == "a\nb"


def test_patients_are_split_whole_and_the_same_by_seed(tmp_path: Path) -> None:
    given = [{**row, "patient": i % 20} for i, row in enumerate(rows(100))]
    path = written(tmp_path / "a.jsonl", given)
    one, again, other = reading(path), reading(path), reading(path, seed=1)
    assert one.documents == again.documents
    assert [d.split for d in one.documents] != [d.split for d in other.documents]
    parts = {split: {d.patient for d in one.documents if d.split == split} for split in ("train", "validation", "test")}
    assert [len(parts[s]) for s in ("train", "validation", "test")] == [14, 2, 4]
    assert not parts["train"] & parts["test"]


def test_given_splits_are_kept(tmp_path: Path) -> None:
    given = [{**row, "split": split} for row, split in zip(rows(3), ["train", "dev", "TEST"], strict=True)]
    assert [d.split for d in reading(written(tmp_path / "a.jsonl", given)).documents] == ["train", "validation", "test"]


def test_a_broken_line_is_counted_with_its_number(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", rows(5))
    path.write_text(path.read_text() + "\n{broken\n")
    got = reading(path)
    assert len(got.documents) == 5
    assert got.dropped == {"lines that are no JSON object (6)": 1}


def test_empty_notes_are_counted(tmp_path: Path) -> None:
    got = reading(written(tmp_path / "a.jsonl", [*rows(5), {"id": "e", "text": " ", "codes": []}]))
    assert len(got.documents) == 5
    assert got.dropped["documents without text"] == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "n0"}, "'n0' was used before, in .*line 1"),
        ({"split": "trian"}, "split 'trian' is none of"),
        ({"codes": [401.9]}, "a number has lost its zeros"),
        ({"codes": 401}, "a number has lost its zeros"),
        ({"codes": ["icd10cn:I10"]}, "Did you mean 'icd10cm'"),
        ({"codes": ["not a code"]}, "line 3"),
        ({"text": 5}, "text is not text"),
        ({"id": None}, "the id is missing"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    given = rows(3)
    given[2].update(change)
    with pytest.raises(InputError, match=words):
        reading(written(tmp_path / "a.jsonl", given))


def test_missing_columns_files_and_systems(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        reading(tmp_path / "none.csv")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(InputError, match="known by its ending"):
        reading(tmp_path / "a.txt")
    path = written(tmp_path / "a.jsonl", [{"id": 1, "text": "t", "code": "I10"}])
    with pytest.raises(InputError, match="no column 'codes'. Did you mean 'code'"):
        reading(path)
    with pytest.raises(InputError, match="has no code system"):
        read(Config(path=written(tmp_path / "b.jsonl", rows(1))))


def test_a_patient_in_two_splits_is_refused(tmp_path: Path) -> None:
    given = [{**row, "patient": "p", "split": split} for row, split in zip(rows(2), ["train", "test"], strict=True)]
    with pytest.raises(InputError, match="in two splits"):
        reading(written(tmp_path / "a.jsonl", given))
    given = [{**rows(2)[0], "split": "train"}, rows(2)[1]]
    with pytest.raises(InputError, match="has no split, and others have"):
        reading(written(tmp_path / "a.jsonl", given))
