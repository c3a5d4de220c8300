from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.nn.contract import UNKNOWN
from icdcoder.nn.phrase_table import PhraseTable, known_phrases

TOKENS = st.lists(st.integers(1, 5), min_size=0, max_size=12)
PHRASES = st.dictionaries(
    st.lists(st.integers(2, 5), min_size=1, max_size=4).map(tuple), st.integers(0, 6), min_size=0, max_size=12
)


def naive(phrases: dict[tuple[int, ...], int], note: list[int], slots: int) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    reached = 0
    for start in range(len(note)):
        lengths = [n for n in range(1, len(note) - start + 1) if tuple(note[start : start + n]) in phrases]
        if lengths and start + max(lengths) > reached:
            entity = phrases[tuple(note[start : start + max(lengths)])]
            if entity not in [known for known, _, _ in found]:
                found.append((entity, start, max(lengths)))
        if lengths:
            reached = max(reached, start + max(lengths))
    return found[:slots]


@given(phrases=PHRASES, notes=st.lists(TOKENS, min_size=1, max_size=3), slots=st.integers(1, 4), more=st.integers(0, 3))
def test_the_longest_phrases_are_found_in_order_each_entity_once(
    phrases: dict[tuple[int, ...], int], notes: list[list[int]], slots: int, more: int
) -> None:
    width = max(1, *map(len, notes)) + more
    tokens = torch.tensor([note + [3] * (width - len(note)) for note in notes])  # padding that looks like a word
    mask = torch.tensor([[i < len(note) for i in range(width)] for note in notes])
    found = PhraseTable(phrases)(tokens, mask, slots)
    assert found.entity.shape == (len(notes), slots)
    for row, note in enumerate(notes):
        rows = [tuple(int(part[row, slot]) for part in found) for slot in range(slots)]
        expected = naive(phrases, note, slots)
        assert rows[: len(expected)] == expected
        assert all(entity == -1 and length == 0 for entity, _, length in rows[len(expected) :])


def test_phrases_with_an_unknown_word_are_left_out() -> None:
    numbers = {"heart": 2, "failure": 3}
    texts = {"heart failure": 0, "heart attack": 1, "": 2, "Heart failure": 3}

    def encode(text: str) -> np.ndarray:
        return np.array([numbers.get(word, UNKNOWN) for word in text.lower().split()], dtype=np.int32)

    assert known_phrases(texts, encode) == {(2, 3): 0}


def test_a_table_takes_its_size_from_the_state() -> None:
    table, empty = PhraseTable({(2, 3): 4, (5,): 1}), PhraseTable({})
    empty.load_state_dict(table.state_dict())
    tokens = torch.tensor([[5, 2, 3]])
    for one, two in zip(table(tokens, tokens > 0, 2), empty(tokens, tokens > 0, 2), strict=True):
        assert torch.equal(one, two)
    assert empty(tokens, tokens > 0, 2).entity.tolist() == [[1, 4]]
