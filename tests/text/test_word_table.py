"""The table that numbers words without making an object of each."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.text.word_table import LONGEST, PADDING, WordTable, bounds, packed, unpacked

WORDS = st.lists(st.text("abz_09", min_size=1, max_size=LONGEST), max_size=60)


def looked_up(table: WordTable, words: list[str]) -> list[int]:
    text = b" ".join([b"", *(word.encode() for word in words), PADDING])
    return table.look_up(*packed(text, *bounds(text))).tolist()


@given(WORDS)
def test_words_are_found_and_come_back_from_their_integers(words: list[str]) -> None:
    text = "  ".join(["", *words]).encode() + PADDING
    starts, ends = bounds(text)
    assert [text[a:b].decode() for a, b in zip(starts, ends, strict=True)] == words
    assert unpacked(*packed(text, starts, ends)) == words


@settings(deadline=None)
@given(st.lists(WORDS, max_size=6))
def test_each_word_is_asked_for_once_and_keeps_its_number(chunks: list[list[str]]) -> None:
    asked: list[str] = []

    def number(new: list[str]) -> range:
        asked.extend(new)
        return range(len(asked) - len(new), len(asked))

    table = WordTable(number)
    for words in chunks:
        assert [asked[i] for i in looked_up(table, words)] == words
    assert len(asked) == len(set(asked)) == len(table)


def test_it_grows_and_forgets_nothing() -> None:
    numbers: dict[str, int] = {}
    table = WordTable(lambda new: [numbers.setdefault(word, len(numbers)) for word in new])
    words = [f"w{i}" for i in np.random.default_rng(0).permutation(90_000)]
    first = [looked_up(table, words[at : at + 9000]) for at in range(0, len(words), 9000)]
    again = looked_up(table, words)
    assert again == [i for part in first for i in part]
    assert [numbers[word] for word in words] == again
