from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge import divided_codes
from icdcoder.knowledge.divided_codes import undivided


@pytest.mark.parametrize(
    ("today", "then"),
    [
        *[("R05.3", "R05"), ("I48.21", "I48.2"), ("F32.A", "F32.9"), ("I10", "I10"), ("E11.9", "E11.9")],
        # Codes that were made since, and what stood for them: flank pain, IgA nephropathy, thrombocytosis …
        *[("R10.A1", "R10.9"), ("N02.B9", "N02.8"), ("D75.839", "D47.3"), ("K76.82", "K72.90"), ("C82.9A", "C82.90")],
        *[("S06.9XAA", "S06.9X9A"), ("S02.832A", "S02.82XA"), ("F03.B11", "F03.91"), ("L89.156", "L89.150")],
    ],
)
def test_codes_of_2018(today: str, then: str) -> None:
    assert undivided(Code("icd10cm", today), "2018") == Code("icd10cm", then)


@pytest.mark.parametrize(
    ("today", "of_2018", "of_2017"),
    [
        ("T81.49XA", "T81.4XXA", "T81.4XXA"),
        ("K56.600", "K56.600", "K56.60"),
        ("I21.9", "I21.9", "I21.3"),
        ("T14.90XA", "T14.90XA", "T14.90"),
        ("H54.511A", "H54.511A", "H54.51"),
        ("L97.115", "L97.115", "L97.119"),
        ("R05.3", "R05", "R05"),
        ("N18.31", "N18.3", "N18.3"),
    ],
)
def test_codes_of_2018_and_of_2017(today: str, of_2018: str, of_2017: str) -> None:
    assert undivided(Code("icd10cm", today), "2018") == Code("icd10cm", of_2018)
    assert undivided(Code("icd10cm", today), "2017") == Code("icd10cm", of_2017)


def test_what_was_divided_stands_above_billable_codes_today() -> None:
    system = systems.load("icd10cm")
    for year in ("2018", "2017"):
        was, others = divided_codes._changes("icd10cm", year)
        assert was
        for value in was:
            assert not system.is_billable(Code("icd10cm", value)), value
        assert all(system.is_billable(Code("icd10cm", today)) for today in others)


def test_an_edition_that_is_not_known_changes_nothing() -> None:
    assert undivided(Code("icd10cm", "R05.3"), "1999") == Code("icd10cm", "R05.3")
    assert undivided(Code("icd10pcs", "0FT44ZZ"), "2018") == Code("icd10pcs", "0FT44ZZ")
