from __future__ import annotations

import pytest

from icdcoder.predictors.dictionary.read_off.newborn import born, is_newborn


def told(text: str) -> set[str]:
    return {code.value for _, _, code in born(text)} if is_newborn(text) else set()


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (
            "NICU summary. Ex-32 week preterm girl, birth weight 1760 g, born by C-section.",
            {"P07.35", "P07.17", "Z38.01"},
        ),
        ("Newborn, 26 2/7 weeks, BW 0.9 kg. RDS, intubated.", {"P07.25", "P07.03", "P22.0"}),
        ("Newborn boy, born at 40 weeks by vaginal delivery, birth weight 3500 grams.", {"Z38.00"}),
        (
            "Premature twin B, born via cesarean section at 35 weeks to a 31 year old mother. TTN.",
            {"P07.38", "Z38.31", "P22.1"},
        ),
        ("Baby girl, NICU, DOL 2, delivered vaginally. Rule out sepsis.", {"Z38.00", "Z05.1"}),
        ("29yo G2P1 at 39 weeks, vaginal delivery of a viable male newborn, birth weight 3200 g.", set()),
        ("6 month old boy, born at 30 weeks, NICU stay of 8 weeks.", set()),
        ("45 year old man with respiratory distress.", set()),
    ],
)
def test_what_a_note_tells_of_a_birth(text: str, codes: set[str]) -> None:
    assert told(text) == codes
