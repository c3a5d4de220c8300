from __future__ import annotations

import pytest

from icdcoder.knowledge import table_of_drugs
from icdcoder.predictors.dictionary.read_off.allergies import allergies
from icdcoder.text.sections import split

STEMS = table_of_drugs.load()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ALLERGIES: PENICILLIN, CODEINE", {"PENICILLIN": "Z88.0", "CODEINE": "Z88.5"}),
        ("Allergies: PCN (rash), sulfa; IV contrast", {"PCN": "Z88.0", "sulfa": "Z88.2", "IV contrast": "Z91.041"}),
        ("Allergies: NKDA", {}),
        ("ALLERGIES: No known drug allergies, latex negative.", {}),
        ("ALLERGIES: Sulfa. Takes aspirin daily.", {"Sulfa": "Z88.2"}),
        ("ALLERGIES: Latex.\n\nHe was given morphine.", {"Latex": "Z91.040"}),
        ("ALLERGIES: Morphine but tolerates codeine.", {"Morphine": "Z88.5"}),
        ("MEDICATIONS: aspirin, codeine", {}),
        ("ALLERGIES: Seasonal.\nMEDICATIONS: lisinopril", {}),
    ],
)
def test_what_a_section_of_allergies_lists(text: str, expected: dict[str, str]) -> None:
    found = {text[a.start : a.end]: a.code.value for a in allergies(text, split(text), STEMS, lambda _: True)}
    assert found == expected
