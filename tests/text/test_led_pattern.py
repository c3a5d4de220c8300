from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.text.led_pattern import LedPattern, in_small_letters

LED = LedPattern(re.compile(r"\b(?:due to|caused by|due) (?:the )?(?=\w)", re.IGNORECASE), ("due", "caused by"))
WORDS = ("due", "Due to", "DUE TO", "caused by", "Caused", "the", "overdue to", "flu", ".", "\n", "İ")


@given(st.lists(st.sampled_from(WORDS), max_size=20))
def test_what_the_pattern_finds_is_found(words: list[str]) -> None:
    text = " ".join(words)
    slow = [match.span() for match in LED.pattern.finditer(text)]
    assert [match.span() for match in LED.finditer(text, in_small_letters(text))] == slow


@pytest.mark.parametrize(("text", "small"), [("Due TO", "due to"), ("", ""), ("İX Due", "İx due"), ("ÄSS", "äss")])
def test_small_letters_keep_their_places(text: str, small: str) -> None:
    assert in_small_letters(text) == small


@given(st.text(max_size=50))
def test_any_text_keeps_its_length(text: str) -> None:
    assert len(in_small_letters(text)) == len(text)
