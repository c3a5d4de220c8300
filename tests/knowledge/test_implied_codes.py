from __future__ import annotations

import random

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge.implied_codes import implied, likely, rules


def codes(*values: str) -> list[Code]:
    return [Code("icd10cm", value) for value in values]


def missing(*values: str) -> set[str]:
    return {code.value for _, code in implied(codes(*values))}


def test_septic_shock_is_a_sepsis_unless_it_is_named() -> None:
    assert missing("R65.21") == {"A41.9"}
    assert missing("R65.21", "A41.51") == set()
    assert missing("R65.21", "O85") == set()


def test_hypertensive_heart_and_kidney_disease_bring_both() -> None:
    assert missing("I13.0") == {"I50.9", "N18.9"}
    assert missing("I13.0", "I50.23", "N18.4") == set()


def test_what_is_likely_beside_a_code() -> None:
    assert [code.value for code in likely(codes("N18.6"))] == ["Z99.2"]
    assert list(likely(codes("I10"))) == []


def test_every_line_of_the_table_is_asked() -> None:
    chooser = random.Random(3)
    stated = [one for rule in rules() for one in rule.stated]
    for _ in range(300):
        given = codes(*chooser.sample(stated, 4), "I10")
        values = [code.value for code in given]
        expected = [
            (next(value for value in values if value.startswith(rule.stated)), rule.implied)
            for rule in rules()
            if any(value.startswith(rule.stated) for value in values)
            and not any(value.startswith(rule.enough) for value in values)
        ]
        assert [(code.value, other) for code, other in implied(given)] == expected


def test_every_code_is_billable() -> None:
    system = systems.load("icd10cm")
    assert all(system.is_billable(rule.implied) for rule in rules())
    assert all(system.is_billable(code) for code in likely(codes("N18.6", "E11.9", "M06.9", "I48.91")))
