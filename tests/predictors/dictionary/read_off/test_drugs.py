from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.read_off import drugs
from icdcoder.predictors.dictionary.read_off.drugs import effects
from icdcoder.text.led_pattern import LedPattern, in_small_letters

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
        ("She deliberately took some 40 tablets of Tylenol.", "T39.1X2A"),
        ("Bleeding due to warfarin.", "T45.515A"),
        ("Warfarin-induced skin necrosis", "T45.515A"),
        ("warfarin toxicity", "T45.515A"),
        ("Adverse effects of the chemotherapy", "T45.1X5A"),
        ("carbon monoxide poisoning", "T58.91XA"),
        ("took a bottle of pills", "T50.901A"),
        ("heroin toxicity", "T40.1X1A"),
    ],
)
def test_what_a_drug_did(text: str, code: str) -> None:
    ((value, words),) = found(text)
    assert value == code
    assert words in text


def test_a_drug_that_is_not_taken_is_noncompliance_too() -> None:
    assert [value for value, _ in found("Ran out of his insulin")] == ["T38.3X6A", "Z91.148"]
    assert found("Noncompliant with his medications") == []


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


PATTERNS: list[LedPattern] = [*(pattern for pattern, _ in drugs._TRIGGERS), drugs._ANY_AFTER]
# Every word that stands in one of the patterns.
WORDS = """
    overdose overdosed overdoses overdosing overdosage OD OD'd poisoning poisoned intoxication toxic ingestion ingested
    swallowed took too much many an a bottle handful of adverse side untoward drug effects effect reaction reactions
    events induced related associated toxicity caused by due to secondary attributed noncompliant noncompliance
    non-compliance non-compliant nonadherent nonadherence underdosing ran out stopped taking not had taken has been
    skipping skipped missed his dose doses with the use warfarin
""".split()


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", " ", " ", "-", ", ", "\n"])), max_size=12))
def test_every_match_begins_with_one_of_the_wordings_that_are_looked_for(pieces: list[tuple[str, str]]) -> None:
    text = "".join(word + mark for word, mark in pieces)
    for some in (text, text.upper(), text.title()):
        for pattern in PATTERNS:
            slow = [match.span() for match in pattern.pattern.finditer(some)]
            assert [match.span() for match in pattern.finditer(some, in_small_letters(some))] == slow
