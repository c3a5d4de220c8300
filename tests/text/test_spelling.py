from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.text.spelling import Spelling

WORDS = ["pneumonia", "hypertension", "hypotension", "diabetes", "appendicitis", "addiction", "microhematuria"]
SPELLING = Spelling.build(WORDS)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("pnuemonia", "pneumonia"),
        ("pneum0nia", "pneumonia"),
        ("hypertenson", "hypertension"),
        ("appendiccitis", "appendicitis"),
        ("pneumonia", "pneumonia"),
        ("addition", "addition"),  # no condition is read into an everyday word
        ("macrohematuria", "macrohematuria"),  # the opposite is no misspelling
        ("jneumonia", "jneumonia"),
        ("pain", "pain"),
    ],
)
def test_one_letter(written: str, read: str) -> None:
    assert SPELLING.corrected(written) == read


@given(st.text(max_size=14))
def test_what_comes_out_is_known_or_what_went_in(word: str) -> None:
    assert SPELLING.corrected(word) in {word, *WORDS}


@pytest.mark.parametrize(
    ("written", "read"),
    [("dlabetes", "diabetes"), ("d1abete5", "d1abete5"), ("appendlcltl", "appendicitis"), ("pneurnonla", "pneumonia")],
)
def test_signs_that_look_alike(written: str, read: str) -> None:
    assert SPELLING.corrected(written) == read


def test_short_and_describing_words_are_read_by_their_looks_alone() -> None:
    spelling = Spelling.build(["angina", "myocardial"])
    assert spelling.corrected("anglna") == "angina"
    assert spelling.corrected("myocardlal") == "myocardial"
    assert spelling.corrected("angna") == "angna"
    assert spelling.corrected("myocardal") == "myocardal"


def test_a_misspelling_that_is_known_hides_no_word() -> None:
    words = ["hyperlipidemia", "hyperlipdemia"]
    assert Spelling.build(words).corrected("hyperlipodemia") == "hyperlipodemia"
    assert Spelling.build(words, words[:1]).corrected("hyperlipodemia") == "hyperlipidemia"
    assert Spelling.build(words, words[:1]).corrected("hyperlipdemia") == "hyperlipdemia"


def test_save_and_load(tmp_path: Path) -> None:
    SPELLING.save(tmp_path)
    assert Spelling.load(tmp_path).corrected("pnuemonia") == "pneumonia"


def test_no_words() -> None:
    assert Spelling.build([]).corrected("pneumonia") == "pneumonia"
