from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.nn.batching import TokenisedNotes, scoring_batches, training_batches
from icdcoder.nn.contract import PAD

LENGTHS = st.lists(st.integers(0, 3000), min_size=1, max_size=300).map(lambda x: np.array(x, dtype=np.int64))
SIZES = st.integers(1, 40)


@given(lengths=LENGTHS, size=SIZES, seed=st.integers(0, 99), epoch=st.integers(0, 99), pool=st.integers(1, 9))
def test_each_note_occurs_once_an_epoch(lengths: np.ndarray, size: int, seed: int, epoch: int, pool: int) -> None:
    batches = training_batches(lengths, size, seed=seed, epoch=epoch, pool=pool)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // size)
    assert sum(len(batch) != size for batch in batches) <= 1


@given(lengths=LENGTHS, size=SIZES, seed=st.integers(0, 99), epoch=st.integers(0, 99))
def test_the_same_seed_and_epoch_give_the_same_batches(lengths: np.ndarray, size: int, seed: int, epoch: int) -> None:
    one, two = (training_batches(lengths, size, seed=seed, epoch=epoch) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_batches_change_with_the_epoch_and_with_the_seed() -> None:
    lengths = np.arange(200)
    first = [set(batch) for batch in training_batches(lengths, 8, seed=1, epoch=1, pool=5)]
    for other in ((1, 2), (2, 1)):
        batches = [set(b) for b in training_batches(lengths, 8, seed=other[0], epoch=other[1], pool=5)]
        assert sum(b in first for b in batches) < len(first) / 4


def test_long_and_short_batches_come_mixed() -> None:
    lengths = np.arange(4000)
    means = np.array([lengths[batch].mean() for batch in training_batches(lengths, 16, seed=0, epoch=1)])
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3


def test_little_padding_on_skewed_lengths() -> None:
    rng = np.random.default_rng(0)
    lengths = np.minimum(2500, rng.lognormal(7.0, 0.7, 5000).astype(np.int64) + 1)

    def computed(batches: list[np.ndarray]) -> float:
        return sum(lengths[b].max() * len(b) for b in batches) / lengths.sum()

    ours = computed(training_batches(lengths, 16, seed=3, epoch=1))
    order = rng.permutation(len(lengths))
    at_random = computed([order[i : i + 16] for i in range(0, len(order), 16)])
    assert ours < 1.07
    assert at_random > 1.5


@given(lengths=LENGTHS, size=SIZES)
def test_scoring_takes_each_note_once_and_the_longest_first(lengths: np.ndarray, size: int) -> None:
    order = np.concatenate(list(scoring_batches(lengths, size)))
    assert sorted(order) == list(range(len(lengths)))
    assert all(a >= b for a, b in zip(lengths[order], lengths[order][1:], strict=False))


def test_a_batch_holds_its_notes_and_marks_padding() -> None:
    rows = [np.array(r, dtype=np.int32) for r in ([5, 6, 7], [], [9])]
    gold = [np.array(r, dtype=np.int32) for r in ([0, 3], [2], [])]
    batch = TokenisedNotes(rows, codes=4, gold=gold).batch([2, 0, 1])
    assert batch.tokens.tolist() == [[9, PAD, PAD], [5, 6, 7], [PAD, PAD, PAD]]
    assert batch.mask.tolist() == [[True, False, False], [True] * 3, [False] * 3]
    assert batch.targets is not None
    assert batch.targets.tolist() == [[0, 0, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]]


@pytest.mark.parametrize("indices", [[0], [0, 0]])
def test_a_batch_of_empty_notes_is_one_token_wide(indices: list[int]) -> None:
    batch = TokenisedNotes([np.array([], dtype=np.int32)], codes=2).batch(indices)
    assert batch.tokens.shape == (len(indices), 1)
    assert not batch.mask.any()
    assert batch.targets is None


def test_a_batch_moves_as_a_whole() -> None:
    batch = TokenisedNotes([np.array([3], dtype=np.int32)], codes=1, gold=[np.array([0], dtype=np.int32)]).batch([0])
    moved = batch.to("meta")
    assert {moved.tokens.device, moved.mask.device} == {torch.device("meta")}
    assert moved.targets is not None
    assert moved.targets.device == torch.device("meta")
