"""The table that numbers words without making an object of each."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.text.word_table import LONGEST, PADDING, WordTable, cut, packed, unpacked

WORDS = st.lists(st.text("abz_09", min_size=1, max_size=LONGEST), max_size=60)


def text_of(words: list[str]) -> bytes:
    return b"\0".join([b"", *(word.encode() for word in words), bytes(LONGEST)])


def looked_up(table: WordTable, words: list[str]) -> list[int]:
    found = cut(text_of(words))
    return table.look_up(found.first, found.second).tolist()


@given(WORDS, st.lists(st.integers(1, 3), max_size=60))
def test_words_are_found_and_come_back_from_their_integers(words: list[str], gaps: list[int]) -> None:
    text = b"".join(b"\0" * gap + word.encode() for word, gap in zip(words, gaps, strict=False)) + bytes(LONGEST + 1)
    words = words[: len(gaps)]
    found = cut(text if words else b"\0" + text)
    assert unpacked(found.first, found.second) == words
    assert [text[start:].split(b"\0")[0].decode() for start in found.starts] == words
    assert not len(found.overlong)


@given(st.lists(st.text("az_", min_size=1, max_size=2 * LONGEST + 8), max_size=20))
def test_longer_words_are_named_and_their_beginnings_are_right(words: list[str]) -> None:
    found = cut(text_of(words))
    assert found.overlong.tolist() == [i for i, word in enumerate(words) if len(word) > LONGEST]
    assert unpacked(found.first, found.second) == [word[:LONGEST] for word in words]


@given(WORDS)
def test_both_ways_of_packing_agree(words: list[str]) -> None:
    text = text_of(words)
    found = cut(text)
    first, second = packed(text + PADDING, found.starts, found.starts + np.array(list(map(len, words)), dtype=np.int64))
    assert (first == found.first).all()
    assert (second == found.second).all()


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
