"""Whatever stands in the slots, each word gets its own number."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.text import word_slots
from icdcoder.text.word_slots import PADDING, WordSlots

WORDS = st.one_of(
    st.text("abcXY19é中", min_size=1, max_size=20),
    st.sampled_from(["a" * 16, "a" * 17, "a" * 16 + "b", "caf", "café", "cafè", "heart", "hearts"]),
)


class Numbers(dict[str, int]):
    """Counts what it is asked, and knows every word by another number."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def of(self, word: str) -> int:
        self.asked.append(word)
        return self.setdefault(word, len(self))


def look_up(slots: WordSlots, text: str) -> list[int]:
    bounds = np.array([match.span() for match in re.finditer(r"[^\W_]+", text)], dtype=np.int64).reshape(-1, 2)
    return slots.look_up(text, text.encode("ascii", "replace") + PADDING, bounds[:, 0], bounds[:, 1]).tolist()


@pytest.mark.parametrize("bits", [1, 4, 15])
@given(texts=st.lists(st.lists(WORDS, max_size=30), max_size=4))
def test_numbers_are_those_of_the_words_whatever_shares_a_slot(bits: int, texts: list[list[str]]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(word_slots, "_BITS", bits)
        numbers = Numbers()
        slots = WordSlots(numbers.of)
        for words in texts:
            assert look_up(slots, " ".join(words)) == [numbers.of(word) for word in words]


def test_words_that_have_a_slot_are_not_asked_for_again() -> None:
    numbers = Numbers()
    slots = WordSlots(numbers.of)
    look_up(slots, "heart failure")
    look_up(slots, "failure heart café " + "x" * 17)
    look_up(slots, "café heart " + "x" * 17)
    assert numbers.asked == ["heart", "failure", "café", "x" * 17, "café", "x" * 17]
