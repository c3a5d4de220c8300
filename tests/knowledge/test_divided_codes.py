from __future__ import annotations

import pytest

from icdcoder.core.code import Code
from icdcoder.knowledge.divided_codes import undivided


@pytest.mark.parametrize(
    ("today", "then"), [("R05.3", "R05"), ("I48.21", "I48.2"), ("F32.A", "F32.9"), ("I10", "I10"), ("E11.9", "E11.9")]
)
def test_codes_of_2018(today: str, then: str) -> None:
    assert undivided(Code("icd10cm", today), "2018") == Code("icd10cm", then)


def test_an_edition_that_is_not_known_changes_nothing() -> None:
    assert undivided(Code("icd10cm", "R05.3"), "1999") == Code("icd10cm", "R05.3")
    assert undivided(Code("icd10pcs", "0FT44ZZ"), "2018") == Code("icd10pcs", "0FT44ZZ")
