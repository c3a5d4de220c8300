from __future__ import annotations

import pytest

from icdcoder.decide._constraints.references import Reference, references


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("neonatal hypertension (P29.2)", [("P29.2", "P29.2")]),
        ("gestational diabetes (O24.4-)", [("O24.4", "O24.4")]),
        ("type 1 diabetes mellitus (E10.-)", [("E10", "E10")]),
        ("drug-induced interstitial lung disorder (J70.2-J70.4)", [("J70.2", "J70.4")]),
        ("hypertension complicating pregnancy (O10-O11, O13-O16)", [("O10", "O11"), ("O13", "O16")]),
        ("hyperammonemia syndrome E72.4", [("E72.4", "E72.4")]),
        ("type 2 diabetes mellitus in remission (E11.A)", [("E11.A", "E11.A")]),
        ("animal being ridden - see transport accidents", []),
        ("vitamin B12 deficiency", []),
    ],
)
def test_the_codes_that_a_note_names(note: str, expected: list[tuple[str, str]]) -> None:
    assert [(r.first, r.last) for r in references(note)] == expected


def test_a_reference_covers_what_is_below_its_codes() -> None:
    assert Reference("E08", "E08").covers("E08.22")
    assert Reference("J70.2", "J70.4").covers("J70.3")
    assert Reference("O10", "O11").covers("O11.9")
    assert Reference("J70.2", "J70.4").covers("J70.41")
    assert not Reference("J70.2", "J70.4").covers("J70.5")
    assert not Reference("E08", "E08").covers("E09.9")
