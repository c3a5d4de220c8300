from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge import histories
from icdcoder.knowledge.histories import history_of


def code(value: str) -> Code:
    return Code("icd10cm", value)


@pytest.mark.parametrize(
    ("value", "personal", "family"),
    [
        ("C50.919", "Z85.3", "Z80.3"),
        ("C61", "Z85.46", "Z80.42"),
        ("I63.9", "Z86.73", "Z82.3"),
        ("I82.409", "Z86.718", "Z82.49"),
        ("E11.9", None, "Z83.3"),
        ("I10", None, "Z82.49"),
        ("R05.9", None, None),
    ],
)
def test_a_condition_of_the_past_and_of_the_family(value: str, personal: str | None, family: str | None) -> None:
    assert history_of(code(value), "personal") == (code(personal) if personal else None)
    assert history_of(code(value), "family") == (code(family) if family else None)


def test_another_system_has_no_such_table() -> None:
    assert history_of(Code("icd9cm", "C50"), "personal") is None


def test_every_code_is_billable() -> None:
    system = systems.load("icd10cm")
    assert [row[3].value for row in histories._rows() if not system.is_billable(row[3])] == []


def test_no_code_is_its_own_history() -> None:
    assert [row for row in histories._rows() if row[1] <= row[3].value[: len(row[1])] <= row[2]] == []
