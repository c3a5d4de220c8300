from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge import shipped
from icdcoder.knowledge.chapter15 import TABLE, Period, complicating

PERIODS: tuple[Period, ...] = ("first", "second", "third", "pregnancy", "childbirth", "puerperium")


@pytest.mark.parametrize(
    ("value", "period", "coded", "instead"),
    [
        ("D50.9", "third", "O99.013", False),
        ("D64.9", "childbirth", "O99.02", True),
        ("D62", "puerperium", "O90.81", False),
        ("E66.9", "pregnancy", "O99.210", False),
        ("Z98.891", "third", "O34.219", True),
        ("Z22.330", "childbirth", "O99.824", True),
    ],
)
def test_a_condition_in_its_period(value: str, period: Period, coded: str, instead: bool) -> None:
    assert complicating(Code("icd10cm", value), period) == (Code("icd10cm", coded), instead)


def test_what_is_not_listed_stays_what_it_is() -> None:
    assert complicating(Code("icd10cm", "Z98.891"), "puerperium") is None
    assert complicating(Code("icd10cm", "R05.9"), "first") is None
    assert complicating(Code("icd9cm", "285.9"), "first") is None


def test_every_code_of_the_table_is_billable() -> None:
    system = systems.load("icd10cm")
    for conditions, *_ in shipped.rows(TABLE):
        for condition in conditions.split():
            for period in PERIODS:
                found = complicating(Code("icd10cm", condition.partition("-")[0]), period)
                assert found is None or system.is_billable(found.code), (condition, period, found)
