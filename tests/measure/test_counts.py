from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.core.errors import InputError
from icdcoder.measure.counts import Counts, harmonic, ratio


@given(st.integers(0, 10_000), st.sampled_from([1, 3, 255, 256, 700]), st.integers(1, 9))
def test_sums_are_those_of_the_matrices(seed: int, notes: int, codes: int) -> None:
    rng = np.random.default_rng(seed)
    gold, accepted = rng.random((2, notes, codes)) < rng.random()
    for per, axis in (("code", 0), ("note", 1)):
        counts = Counts.of(gold, accepted, per=per)  # type: ignore[arg-type]
        assert np.array_equal(counts.gold, gold.sum(axis))
        assert np.array_equal(counts.accepted, accepted.sum(axis))
        assert np.array_equal(counts.correct, (gold & accepted).sum(axis))


def test_more_ones_than_a_byte_counts() -> None:
    ones = np.ones((1000, 2), dtype=np.bool_)
    assert Counts.of(ones, ones).gold.tolist() == [1000, 1000]


def test_a_view_of_a_matrix_counts_as_the_matrix() -> None:
    gold = np.random.default_rng(0).random((300, 40)) < 0.3
    assert np.array_equal(Counts.of(gold[::2, ::3], gold[::2, ::3]).gold, gold[::2, ::3].sum(0))
    assert np.array_equal(Counts.of(gold.T, gold.T).gold, gold.sum(1))


def test_a_ratio_over_nothing_is_zero() -> None:
    assert ratio(np.array([1, 0, 3]), np.array([2, 0, 0])).tolist() == [0.5, 0.0, 0.0]
    assert harmonic(0.0, 0.0) == 0.0
    assert harmonic(0.5, 1.0) == pytest.approx(2 / 3)


def test_whole_numbers_are_taken_and_others_refused() -> None:
    assert Counts.of([[1, 0], [1, 1]], [[0, 0], [1, 0]]).correct.tolist() == [1, 0]
    with pytest.raises(InputError, match="True and False only"):
        Counts.of([[2, 0]], [[1, 0]])


@pytest.mark.parametrize("gold", [np.zeros((0, 3)), np.zeros((3, 0)), np.zeros(3)])
def test_an_empty_matrix_is_refused(gold: np.ndarray) -> None:
    with pytest.raises(InputError, match="note × code, none of them 0"):
        Counts.of(gold, gold)


def test_unlike_shapes_are_named() -> None:
    with pytest.raises(InputError, match=r"\(2, 3\), the accepted matrix \(2, 4\)"):
        Counts.of(np.ones((2, 3), bool), np.ones((2, 4), bool))
