from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge import combinations, said_by_another
from icdcoder.knowledge.said_by_another import said_by_others


def said(system: str, *values: str) -> set[str]:
    return {code.value for code in said_by_others([Code(system, value) for value in values])}


@pytest.mark.parametrize(
    ("values", "gone"),
    [
        (("J13", "J18.9", "R05.9"), {"J18.9", "R05.9"}),
        (("R05.9", "I10"), set()),
        (("C80.1", "C34.90"), {"C80.1"}),
        (("A41.9", "A41.51"), {"A41.9"}),
        (("K92.2", "K26.0"), {"K92.2"}),
        (("R50.81", "R50.9", "A41.9"), {"R50.9"}),
        (("L02.91", "G06.0"), {"L02.91"}),
        (("Z68.36", "O99.214"), {"Z68.36"}),
        (("I10", "I15.2"), {"I10"}),
    ],
)
def test_what_another_code_says(values: tuple[str, ...], gone: set[str]) -> None:
    assert said("icd10cm", *values) == gone


def test_systems_are_not_mixed() -> None:
    assert said("icd9cm", "786.2", "486") == {"786.2"}
    assert said_by_others([Code("icd9cm", "786.2"), Code("icd10cm", "J18.9")]) == {}


def test_no_code_is_said_by_itself() -> None:
    for system in ("icd10cm", "icd9cm"):
        for code in systems.load(system).billable():
            assert said_by_others([code]) == {}


def test_every_beginning_is_one_of_a_code() -> None:
    for name, rules in said_by_another.rules().items():
        values = {code.value for code in systems.load(name).codes()}
        starts = {value[:n] for value in values for n in range(1, len(value) + 1)}
        for rule in rules:
            named = {*rule.said, *(part for pair in rule.by for part in pair if part)}
            # Ends of ranges need not be codes.
            assert {start for start in rule.said if start not in starts} == set(), rule.said
            assert named


def test_combinations_are_of_billable_codes_and_of_codes_there_are() -> None:
    system = systems.load("icd10cm")
    values = [code.value for code in system.codes()]
    for rule in combinations.rules():
        assert system.is_billable(rule.both)
        for start in (*rule.first, *rule.other):
            assert any(value.startswith(start) for value in values), start


def test_hypertension_and_kidney_disease() -> None:
    codes = [Code("icd10cm", v) for v in ("I10", "N18.30")]
    assert [(f.value, o.value, b.value) for f, o, b in combinations.combined(codes)] == [("I10", "N18.30", "I12.9")]
    assert list(combinations.combined(codes[:1])) == []
