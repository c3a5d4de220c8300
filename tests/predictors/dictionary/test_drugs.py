from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.drugs import effects

STEMS = {"tylenol": "T39.1X", "warfarin": "T45.51", "heroin": "T40.1X", "insulin": "T38.3X", "pills": "T50.90"}
STEMS |= {"carbon monoxide": "T58.9", "medication": "T50.90", "chemotherapy": "T45.1X"}


def found(text: str) -> list[tuple[str, str]]:
    system = systems.load("icd10cm")
    return [(one.code.value, text[one.start : one.end]) for one in effects(text, STEMS, lambda code: code in system)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Overdose of Tylenol.", "T39.1X1A"),
        ("Intentional Tylenol overdose in a suicide attempt.", "T39.1X2A"),
        ("Unintentional overdose with Tylenol, no suicidal ideation.", "T39.1X1A"),
        ("Tylenol overdose of undetermined intent.", "T39.1X4A"),
        ("Bleeding due to warfarin.", "T45.515A"),
        ("Warfarin-induced skin necrosis", "T45.515A"),
        ("warfarin toxicity", "T45.515A"),
        ("Adverse effects of the chemotherapy", "T45.1X5A"),
        ("Ran out of his insulin", "T38.3X6A"),
        ("carbon monoxide poisoning", "T58.91XA"),
        ("took a bottle of pills", "T50.901A"),
        ("heroin toxicity", "T40.1X1A"),
    ],
)
def test_what_a_drug_did(text: str, code: str) -> None:
    ((value, words),) = found(text)
    assert value == code
    assert words in text


@pytest.mark.parametrize(
    "text",
    [
        "He takes warfarin.",
        "Side effects of the medication were explained.",
        "Overdose of kindness.",
        "due to medication",
        "",
    ],
)
def test_a_drug_alone_says_nothing(text: str) -> None:
    assert found(text) == []


def test_a_code_that_the_edition_does_not_have_is_not_given() -> None:
    assert list(effects("warfarin toxicity", STEMS, lambda code: code == Code("icd10cm", "T99"))) == []
