"""Where sentences begin."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.text.sentences import sentence_starts


def sentences(text: str) -> list[str]:
    starts = sentence_starts(text)
    return [text[a:b].strip() for a, b in zip(starts, [*starts[1:], len(text)], strict=True) if text[a:b].strip()]


@pytest.mark.parametrize(
    "parts",
    [
        ["No fever.", "Cough present."],
        ["Creatinine was 3.5 mg and rose to 4.1 overnight.", "Then it fell."],
        ["Seen by Dr. Smith vs. Dr. Jones.", "Stable."],
        ["Aspirin 81 mg p.o. b.i.d. with food.", "Then stop."],
        ["He takes aspirin b.i.d.", "She has CHF."],
        ["C. difficile was found."],
        ["Is it gout?", "It is!", "(So it seems.)", "Well."],
        ["C. diff negative;", "HIV positive"],
        ["fever.", "Denies chills"],
        ["CV: no murmur", "Lungs: clear"],
        ["Discharge Diagnosis:", "Hypertension", "Diabetes mellitus"],
    ],
)
def test_parts_of_one_line(parts: list[str]) -> None:
    joint = "\n" if parts[0].endswith("Diagnosis:") else " "
    text = joint.join(parts).replace("fever. Denies", "fever.Denies")
    assert sentences(text) == parts


def test_items_of_a_list_are_sentences() -> None:
    assert sentences("- no fever\n- cough\n* rash\n1) gout\n(2) pain") == [
        "- no fever",
        "- cough",
        "* rash",
        "1) gout",
        "(2) pain",
    ]


def test_a_wrapped_line_goes_on() -> None:
    line = "The patient is an elderly man who has a very long history of\nCHF and of other things and denies\nfever"
    assert sentences(line) == [line]


def test_a_short_line_before_a_capital_letter_ends() -> None:
    assert sentences("Hypertension\nDiabetes") == ["Hypertension", "Diabetes"]


def test_a_blank_line_ends() -> None:
    assert sentences("no fever\n\nor chills") == ["no fever", "or chills"]


def test_an_answer_stays_with_its_question() -> None:
    assert sentences("Chest pain? No. Fever? yes. Why? Unknown.") == [
        "Chest pain? No.",
        "Fever? yes.",
        "Why?",
        "Unknown.",
    ]


def test_a_result_stays_with_what_was_tested() -> None:
    assert sentences("HIV      NON-REACTIVE      RPR\t\tNeg\tGout   mild") == [
        "HIV      NON-REACTIVE",
        "RPR\t\tNeg",
        "Gout   mild",
    ]


@given(st.text(alphabet=" ab.A?\n;:1", max_size=3000))
def test_starts_rise_from_zero_and_no_sentence_is_endless(text: str) -> None:
    starts = sentence_starts(text)
    assert starts[0] == 0
    assert all(a < b for a, b in pairwise(starts))
    assert all(b - a <= 1000 for a, b in zip(starts, [*starts[1:], len(text)], strict=True))
