"""Answers as models give them become claims; prose becomes none, and is told from a clear "none"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.text.prompting.answers import Claim, claims, numbers

WANTED = (Claim("I10", ("hypertension",)), Claim("E11.9", ("type 2 diabetes",)))
OBJECTS = '{"codes": [{"code": "I10", "evidence": "hypertension"}, {"code": "E11.9", "evidence": "type 2 diabetes"}]}'


@pytest.mark.parametrize(
    "answer",
    [
        OBJECTS,
        f"Here is the result:\n```json\n{OBJECTS}\n```\nLet me know.",
        f"<think>Maybe J18.9? {{\"codes\": []}}</think>{OBJECTS}",
        OBJECTS[:-2] + ', {"code": "J18',  # cut short
        '[{"icd_code": "I10", "quote": "hypertension"}, {"icd_code": "E11.9", "quotes": ["type 2 diabetes"]}]',
        '{"code": "I10", "evidence": "hypertension"}\n{"code": "E11.9", "evidence": "type 2 diabetes"}',
        '{"I10": "hypertension", "E11.9": ["type 2 diabetes"]}',
        '{"diagnoses": [{"code": "I10", "text": "hypertension"}],\n"procedures": {"E11.9": "type 2 diabetes"}}',
        '- I10: Essential hypertension, "hypertension"\n- **E11.9** – Diabetes, “type 2 diabetes”',
        '1. I10 "hypertension"\n2) E11.9 - "type 2 diabetes"',
        OBJECTS.replace('"', "'"),
        OBJECTS.replace("}]}", "},\n],}"),
        OBJECTS.replace('"I10"', '"I10 - Essential (primary) hypertension"'),
        OBJECTS[:-3],  # cut after the last quote
        '[{"ICD-10": "I10", "evidence": "hypertension"}, {"icd10_code": "E11.9", "id": 2, "quote": "type 2 diabetes"}]',
        '{"ICD-10": [{"id": "1", "code": "I10", "span": "hypertension"}, {"id": "E11.9", "text": "type 2 diabetes"}]}',
        'Hypertension (I10): "hypertension"\nDiabetes (E11.9), "type 2 diabetes"',
        "| Code | Evidence |\n|---|---|\n| I10 | hypertension |\n| **E11.9** | type 2 diabetes |",
        '| Hypertension | I10 | "hypertension" |\n| Diabetes | E11.9 | "type 2 diabetes" |',
    ],
)  # fmt: skip
def test_every_shape_gives_the_same(answer: str) -> None:
    assert claims(answer).claims == WANTED
    assert claims(answer).prose == 0


@pytest.mark.parametrize(
    "answer",
    [
        "<code>I10, E11.9</code>",
        "<code>I10</code><code>E11.9</code>",
        "- <code>I10</code>: hypertension\n- <code>E11.9</code>: diabetes",
        "I10 (hypertension), E11.9 (diabetes)",
        "1. I10 (hypertension); E11.9 (diabetes)",
        "I10, E11.9",
        "I10\nE11.9.",
        '["I10", "E11.9"]',
        '{"codes": ["I10", "E11.9"]}',
        "<codes>\nI10;E11.9",
        "Codes: I10, E11.9",
        "The ICD-10-CM codes are I10 and E11.9.",
        "I10 E11.9",
        "Codes:\nI10\nE11.9",
        "Of the note:\nI10, E11.9",
        "Of the note:\n1. I10, E11.9 2020 for both",
        "The codes are I10 and E11.9, since both are stated.",
        "Hypertension (I10)\nDiabetes (E11.9)",
        "Hypertension (I10), diabetes (ICD-10 E11.9).",
        "| I10 | Hypertension |\n| E11.9 | Diabetes |",
        '{"icd10": ["I10", "E11.9"]}',
        '{"ICD-10": "I10, E11.9"}',
        '{"codes": ["I10 - Hypertension", "E11.9: Diabetes"]}',
        '{"codes": ["I10","E11.9", "J1',
        "{'codes': ['I10', 'E11.9',]}",
    ],
)
def test_codes_without_quotes(answer: str) -> None:
    assert claims(answer).claims == (Claim("I10"), Claim("E11.9"))


@pytest.mark.parametrize("answer", ['{"codes": []}', "[]", "{}", "None.", "No codes", "```json\n[]\n```"])
def test_a_clear_none_is_no_prose(answer: str) -> None:
    assert claims(answer) == claims("[]")
    assert claims(answer).claims == ()
    assert claims(answer).prose == 0


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "The patient has hypertension.",
        "I'm sorry, I cannot help with I10.",
        "Hypertension (I10) is what she has.",
        "<html>",
        "[see above]",
        '<think>Is it {"codes": ["I10"]}, or',
    ],
)
def test_prose(answer: str) -> None:
    assert claims(answer).claims == ()
    assert claims(answer).prose == 1


def test_a_cut_list_keeps_what_was_whole() -> None:
    assert claims('{"codes": ["I10","E11.9').claims == (Claim("I10"),)
    assert claims('{"codes": [{"code": "I10", "evidence": "hyp').claims == (Claim("I10"),)
    assert claims('{"codes": [').prose == 1


def test_what_cannot_be_read_as_a_code_is_still_a_claim() -> None:
    assert claims('{"codes": [{"code": "I2510"}, {"code": "unknown"}]}').claims == (Claim("I2510"), Claim("unknown"))


def test_numbers_with_a_dot_stay_as_they_are_written() -> None:
    assert claims('{"codes": [250.00, 401.9]}').claims == (Claim("250.00"), Claim("401.9"))


def test_quotes_of_one_code_are_put_together() -> None:
    answer = '[{"code": "I10", "evidence": "HTN"}, {"code": "I10", "evidence": ["HTN", "high BP"]}]'
    assert claims(answer).claims == (Claim("I10", ("HTN", "high BP")),)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("[2, 5]", (2, 5)),
        ("2 and 5", (2, 5)),
        ("2, 3, and 5.", (2, 3, 5)),
        ("The options are 2 and 5.", (2, 5)),
        ("2 (circulatory), 5 (injuries)", (2, 5)),
        ("**2**, **5**", (2, 5)),
        ("* 2\n* `5`", (2, 5)),
        ("1. 5 and 2 diseases", (1,)),
        ("I would not choose 2.", None),
        ("The parts are: [2, 2, 99, 0].", (2,)),
        ("```json\n[1]\n```", (1,)),
        ("2\n5", (2, 5)),
        ("2, 5", (2, 5)),
        ("2. Circulatory diseases\n5. Injuries", (2, 5)),
        ("[]", ()),
        ("none", ()),
        ("It is hard to say.", None),
        ("", None),
        ("<think>[7]</think>[3]", (3,)),
        ("[999999999999999999999999]", ()),
    ],
)
def test_numbers(answer: str, found: tuple[int, ...] | None) -> None:
    assert numbers(answer, 9) == found


@given(st.text() | st.text(alphabet='{}[]",:I10codes\n '))
def test_no_answer_breaks_it(answer: str) -> None:
    found = claims(answer)
    assert len({claim.code for claim in found.claims}) == len(found.claims)
    numbers(answer, 5)


def test_endless_nesting_is_prose_and_quick() -> None:
    assert claims("[" * 20_000).claims == ()
