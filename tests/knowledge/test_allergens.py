from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge import allergens, shipped, table_of_drugs

STEMS = table_of_drugs.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pcn", "Z88.0"),
        ("amoxicillin", "Z88.0"),
        ("vancomycin", "Z88.1"),
        ("ciprofloxacin", "Z88.1"),
        ("bactrim", "Z88.2"),
        ("lidocaine", "Z88.4"),
        ("codeine", "Z88.5"),
        ("ibuprofen", "Z88.6"),
        ("lisinopril", "Z88.8"),
        ("latex", "Z91.040"),
        ("contrast", "Z91.041"),
        ("heroin", None),
        ("anesthesia", None),
        ("table", None),
    ],
)
def test_the_status_of_an_allergy(name: str, value: str | None) -> None:
    assert allergens.status(name, STEMS) == value


def test_every_code_is_in_the_edition() -> None:
    system = systems.load("icd10cm")
    for value, _ in shipped.rows(allergens.TABLE):
        assert system.is_billable(Code("icd10cm", value))
    found = {allergens.status(name, STEMS) for name in STEMS}
    assert all(system.is_billable(Code("icd10cm", value)) for value in found if value)
