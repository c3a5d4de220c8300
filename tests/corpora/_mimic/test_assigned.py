from __future__ import annotations

from collections import Counter

import polars as pl
import pytest

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.corpora._mimic.assigned import Stay, assign, listed, stays

I10 = (Code("icd10cm", "I10"),)


def frame(*rows: tuple[str, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"subject_id": pl.String, "hadm_id": pl.String}, orient="row")


def test_an_admission_stands_where_its_first_note_does_with_its_notes_in_order() -> None:
    got = stays(frame(("1", "11"), ("2", "21"), ("1", "11"), ("1", None), ("1", "12"), ("1", "11")))
    assert got == [Stay("11", "1", (0, 2, 5)), Stay("21", "2", (1,)), Stay("12", "1", (4,))]


def test_an_admission_of_two_patients_is_refused() -> None:
    with pytest.raises(InputError, match="Admission 11 is said to be of two patients"):
        stays(frame(("1", "11"), ("2", "11")))


def test_each_admission_left_out_is_counted_under_one_reason() -> None:
    dropped: Counter[str] = Counter()
    found = [Stay(name, "1", (0,)) for name in ("kept", "no codes", "not listed", "neither")]
    kept = assign(
        found, {"kept": I10, "not listed": I10}, {"kept": "train", "no codes": "test", "gone": "test"}, dropped
    )
    assert [stay.admission for stay in kept] == ["kept"]
    assert dropped == {
        "admissions with notes and without codes": 2,
        "admissions that the lists of ids do not name": 1,
        "admissions of the lists of ids without notes": 1,
    }
    assert sum(dropped.values()) - 1 + len(kept) == len(found)


def test_nothing_left_is_a_sentence() -> None:
    with pytest.raises(InputError, match="Are the lists of ids those of this version"):
        assign([Stay("1", "1", (0,))], {}, {"1": "train"}, Counter())


def test_files_are_shown_by_name_and_hash_alone() -> None:
    assert listed({"a.csv": "f" * 64, "b.csv": "0" * 64}) == "a.csv ffffffffffff; b.csv 000000000000"
