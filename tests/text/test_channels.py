from __future__ import annotations

import numpy as np
import pytest

from icdcoder.core.errors import ConfigError
from icdcoder.text import channels
from icdcoder.text.tokens import words

NOTE = """Discharge Date: 3 May
History of Present Illness:
He has had heart failure for years.
Discharge Diagnosis:
1. Acute kidney failure
2. Type 2 diabetes; hypertension

3.
Primary: sepsis 2. pneumonia
Discharge Condition:
Stable.
"""


def listed(text: str) -> dict[int, list[str]]:
    tokens = words(text)
    found: dict[int, list[str]] = {}
    for word, number in zip(
        tokens.texts, channels.compute(["diagnoses"], text, tokens.offsets)["diagnoses"], strict=True
    ):
        if number:
            found.setdefault(int(number), []).append(word)
    return found


def test_each_written_diagnosis_has_a_number() -> None:
    assert listed(NOTE) == {
        1: ["acute", "kidney", "failure"],
        2: ["type", "diabetes"],
        3: ["hypertension"],
        4: ["sepsis"],
        5: ["pneumonia"],
    }


@pytest.mark.parametrize("text", ["", "Stable.", "Discharge Diagnosis:\n\n1.\n2.\n", "He has sepsis; pneumonia.\n"])
def test_a_note_without_a_list_has_none(text: str) -> None:
    assert listed(text) == {}


def test_one_number_a_token_also_where_there_are_no_tokens() -> None:
    found = channels.compute(["diagnoses"], NOTE, np.zeros((0, 2), dtype=np.int32))["diagnoses"]
    assert found.shape == (0,)
    assert found.dtype == np.int32


def test_a_channel_that_is_misspelt_is_named() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'diagnoses'"):
        channels.compute(["diagnosis"], NOTE, np.zeros((0, 2), dtype=np.int32))


def test_a_numbered_diagnosis_goes_on_over_lines_without_a_number() -> None:
    text = "Discharge Diagnosis:\n1.  Renal failure.\n2.  Congestive heart\n    failure, systolic.\n"
    text += "- anemia\n\nsepsis\ngout\n"
    assert listed(text) == {
        1: ["renal", "failure"],
        2: ["congestive", "heart", "failure", "systolic"],
        3: ["anemia"],
        4: ["sepsis"],
        5: ["gout"],
    }


def test_each_token_is_in_one_of_the_ten_groups_of_sections() -> None:
    text = """Service: SURGERY
Allergies: none
History of Present Illness:
He fell.
Review of Systems:
fine
Physical Exam:
well
Discharge Diagnosis:
fracture
Followup Instructions:
clinic
Addendum:
home
"""
    tokens = words(text)
    groups = channels.compute(["section_groups"], text, tokens.offsets)["section_groups"]
    found = dict(zip(tokens.texts, groups.tolist(), strict=True))
    asked = ("surgery", "none", "fell", "fine", "well", "fracture", "clinic", "home")
    assert [found[word] for word in asked] == [1, 1, 2, 2, 4, 8, 9, 10]
    assert channels.compute(["section_groups"], "plain words", words("plain words").offsets)["section_groups"].all()
