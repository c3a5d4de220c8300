from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.corpora._mimic.rare50 import ARTEFACTS, few_shot, rare50

FILE = """
import json, sys
raise SystemExit("this file is never executed")
test_ids = ['31_301', '31_302']
test_labels = ["34.71;34.71", "77.7"]
train_ids = ['11_101', '12_102', '13_103']
train_labels = ['40.7', '550.11;53.02;53.02', 'V10.61']
dev_ids = ['21_201']
dev_labels = ['52.0']
words = ['not', 'ids', len('x')]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "collectrare50data.py"
    path.write_text(FILE)
    return path


def test_the_literals_are_read_in_any_order_and_nothing_is_executed(file: Path) -> None:
    got = rare50(file)
    assert got.lists.sizes() == {"train": 3, "validation": 1, "test": 2}
    assert got.lists.split_of["301"] == "test"
    assert got.patient_of["302"] == "31"
    assert got.codes["102"] == (Code("icd9cm", "550.11"), Code("icd9pcs", "53.02"))
    assert got.codes["301"] == (Code("icd9pcs", "34.71"),)
    assert got.codes["103"] == (Code("icd9cm", "V10.61"),)
    assert set(ARTEFACTS) <= {code.value for code in got.space}
    assert rare50(file.parent) == got


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = [", "no Python file"),
        (FILE.replace("dev_ids", "ids"), "does not hold lists dev_ids"),
        (FILE.replace("'52.0'", "'52.0', '52.0'"), "dev_labels of one length"),
        (FILE.replace("'21_201'", "'11_101'"), "101 is in train and in validation"),
        (FILE.replace("'52.0'", "'headache of Mr X'"), "a label is no ICD-9 code"),
        (FILE.replace("'21_201'", "len('x')"), "does not hold lists dev_ids"),
    ],
)
def test_other_files_are_refused(file: Path, text: str, problem: str) -> None:
    file.write_text(text)
    with pytest.raises(InputError, match=problem) as refused:
        rare50(file)
    assert "Mr X" not in str(refused.value)


def test_a_missing_file_says_where_it_is_to_be_had(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="whaleloops/KEPT"):
        rare50(tmp_path / "none.py")


def test_the_artefacts_are_explained() -> None:
    assert set(ARTEFACTS) == {"40.7", "52.0", "77.7"}
    assert ARTEFACTS["40.7"].startswith("04.07")


def test_few_shot_counts_training_notes_only() -> None:
    a, b, c = (Code("icd9cm", value) for value in ("401.9", "486", "V58.61"))
    codes = {"1": (a, b), "2": (a,), "3": (a, c), "4": (b, b)}
    split_of = {"1": "train", "2": "train", "3": "test", "4": "train"}
    assert few_shot(codes, split_of, fewer_than=2) == ()  # type: ignore[arg-type]
    assert few_shot(codes, split_of, fewer_than=3) == (a, b)  # type: ignore[arg-type]
