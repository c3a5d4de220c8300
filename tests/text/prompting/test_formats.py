"""What is written for training is read back; what models say instead is read as far as it goes, and counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.knowledge import descriptions
from icdcoder.text.prompting.formats import NUMBERS, AnswerFormat, Parsed

VALUES = ["401.9", "038.9", "250.00", "V45.81", "E885.9", "995.92", "428.0", "486", "96.6", "38.93", "99.15", "285.1"]
SPACE = LabelSpace(Code("icd9pcs" if value[2:3] == "." else "icd9cm", value) for value in VALUES)
TITLES = dict(zip(SPACE, descriptions.of(SPACE), strict=True))
CHOSEN = (SPACE.codes[0], SPACE.codes[9])


def made(number: int) -> AnswerFormat:
    return AnswerFormat(number, SPACE, TITLES)


def test_the_four_of_the_table() -> None:
    assert made(1).answer(CHOSEN) == "401.9; 38.93"
    assert made(2).answer(CHOSEN) == f"401.9 {TITLES[CHOSEN[0]]}; 38.93 {TITLES[CHOSEN[1]]}"
    assert made(3).answer(CHOSEN) == made(4).answer(CHOSEN) == made(1).answer(CHOSEN)
    assert made(1).around("ICD-9-CM") == made(2).around("ICD-9-CM")
    before, after = made(1).around("ICD-9-CM")
    assert "ICD-9-CM" in before
    assert after.strip() == "Codes:"
    assert "401.9; 038.9" in made(3).around("ICD-9-CM")[0]
    assert "401.9 Unspecified essential hypertension; 038.9" in made(4).around("ICD-9-CM")[0]


@pytest.mark.parametrize("number", NUMBERS)
def test_items_are_what_is_written_in_an_answer(number: int) -> None:
    assert "; ".join(made(number).items) == made(number).answer(SPACE)
    titled = [item.partition(" ")[2] for item in made(number).items]
    assert titled == [" ".join(TITLES[code].split()) if number == 2 else "" for code in SPACE]


@given(st.lists(st.sampled_from(SPACE.codes), unique=True), st.sampled_from(NUMBERS))
def test_round_trip(codes: list[Code], number: int) -> None:
    parsed = made(number).parse(made(number).answer(codes))
    assert (parsed.codes, parsed.outside, parsed.prose) == (tuple(codes), 0, False)


def test_every_title_of_the_edition_is_read_back() -> None:
    every = descriptions.load("icd9cm")
    codes = list(every)[::7]
    form = AnswerFormat(2, LabelSpace(codes), every)
    for code in codes:
        assert form.parse(form.answer([code])).codes == (code,)


@pytest.mark.parametrize(
    "answer",
    [
        "401.9, 38.93",
        "401.9\n38.93\n",
        "- 401.9 hypertension\n- 38.93: a catheter",
        "1) 401.9\n2) 38.93",
        "4019; 3893",
        "<code>401.9, 38.93</code>",
        '["401.9", "38.93"]',
        '{"codes": [{"code": "401.9"}, {"code": "38.93"}]}',
        "<think>486?</think>401.9; 38.93; 401.9",
        "1. 401.9\n2. 38.93",
        "1. **401.9**\n2. **38.93** Catheter",
        "1) 401.9 2) 38.93",
        "Code: 401.9\nCode: 38.93",
        "Hypertension (401.9)\nCatheter (38.93)",
        "Hypertension (401.9), catheter (38.93)",
        "- Hypertension: 401.9\n- Catheter - 38.93.",
        "| 401.9 | Hypertension |\n| 38.93 | Catheter |",
        "| # | Title | Code |\n|---|---|---|\n| 10 | Hypertension | 401.9 |\n| 11 | Catheter | 38.93 |",
        "ICD-9-CM 401.9\nICD-9-CM: 38.93",
        "The codes are 401.9 and 38.93.",
        "ICD-9 codes: 401.9, 38.93",
        "401.9 and 38.93",
        "401.9 38.93",
        "401.9 & 38.93.",
        "The note supports 401.9 for the hypertension and 38.93 for the catheter.",
        '{"icd9_codes": ["401.9", "38.93"',
        '{"icd9_codes": ["401.9", "38.93", "48',
        "{'ICD-9': ['401.9', '38.93',]}",
        '{"codes": [401.9, 38.93]}',
    ],
)
def test_forms_that_models_give(answer: str) -> None:
    assert made(1).parse(answer).codes == CHOSEN


@pytest.mark.parametrize("answer", ["401.9 38.93", "401.9 and 38.93", "1. 401.9\n2. 38.93", "Codes: 401.9, 38.93"])
@pytest.mark.parametrize("number", NUMBERS)
def test_bare_lists_are_read_in_every_format(number: int, answer: str) -> None:
    assert made(number).parse(answer) == Parsed(CHOSEN, 0, False)


def test_numbers_that_are_no_codes() -> None:
    said = "401.9 Hypertension since 486 days (1990), at 99.15-99.20 and 38.93%; V45.81 486"
    assert made(1).parse(said).codes == (CHOSEN[0], Code("icd9cm", "V45.81"), Code("icd9cm", "486"))
    title = "401.9 Hypertension, other than 428.0 and (250.00)"
    assert made(2).parse(title).codes == CHOSEN[:1]
    assert made(2).parse("Hypertension, benign (401.9)").codes == CHOSEN[:1]


def test_codes_in_sentences_and_brackets_are_counted_outside_too() -> None:
    assert made(1).parse("The codes are 584.9 and I10.") == Parsed((), 2, False)
    assert made(1).parse("Kidney failure (584.9)") == Parsed((), 1, False)


def test_what_is_outside_is_dropped_and_counted() -> None:
    parsed = made(1).parse("401.9; 584.9; I10; 584.9")
    assert (parsed.codes, parsed.outside, parsed.prose) == (CHOSEN[:1], 2, False)


def test_small_letters_and_dots_that_tell_systems_apart() -> None:
    assert made(1).parse("v45.81").codes == (Code("icd9cm", "V45.81"),)
    both = LabelSpace([Code("icd9cm", "389.3"), Code("icd9pcs", "38.93")])
    form = AnswerFormat(1, both, {})
    assert form.parse("38.93").codes == (Code("icd9pcs", "38.93"),)
    assert form.parse("3893").codes == ()


@pytest.mark.parametrize("answer", ["", "He should rest.", "I cannot say", "<html>", "Anthrax"])
def test_prose(answer: str) -> None:
    assert made(1).parse(answer).prose


@pytest.mark.parametrize("answer", ["none", "None.", "[]", "Codes: none"])
def test_none_is_no_prose(answer: str) -> None:
    parsed = made(1).parse(answer)
    assert (parsed.codes, parsed.prose) == ((), False)


@given(st.text())
def test_no_answer_breaks_it(answer: str) -> None:
    assert set(made(1).parse(answer).codes) <= set(SPACE)


def test_mistakes_are_sentences() -> None:
    with pytest.raises(ConfigError, match="no input-output format 5"):
        AnswerFormat(5, SPACE, TITLES)
    with pytest.raises(ConfigError, match=r"icd9cm:401\.9 has none"):
        AnswerFormat(2, SPACE, {})
    with pytest.raises(ConfigError, match="written alike"):
        AnswerFormat(1, LabelSpace([Code("icd9cm", "486"), Code("icd10cm", "486")]), {})
