from __future__ import annotations

import numpy as np

from icdcoder.predictors.ranking.given_sets import GivenSets

# Codes 0 and 1 together twice, code 2 alone three times, all three once, none once.
GOLD = np.array(
    [[1, 1, 0], [0, 0, 1], [1, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 1], [0, 0, 0]],
    dtype=np.bool_,
)


def test_sets_are_counted_as_wholes() -> None:
    assert GivenSets.of(GOLD).times == {(0, 1): 2, (2,): 3, (0, 1, 2): 1, (): 1}


def test_what_one_note_has_is_not_frequent() -> None:
    sets = GivenSets.of(GOLD)
    assert sets.frequent == [(2,), (0, 1)]
    np.testing.assert_array_equal(np.flatnonzero(sets.columns(GOLD)[:, 1]), [0, 2])
    assert sets.columns(GOLD).sum() == 5


def test_a_code_has_the_best_of_its_sets_and_of_the_others() -> None:
    found = GivenSets.of(GOLD).by_code(np.array([0.6, 0.2], dtype=np.float32))
    np.testing.assert_allclose(found, [[0.2, 0.6, 0.2], [0.2, 0.6, 0.2], [0.6, 0.2, 0.6]], rtol=1e-6)


def test_without_frequent_sets_there_is_nothing_to_say() -> None:
    sets = GivenSets.of(np.eye(4, dtype=np.bool_))
    assert not sets.frequent
    assert sets.columns(np.eye(4, dtype=np.bool_)).shape == (4, 0)
    np.testing.assert_array_equal(sets.by_code(np.zeros(0, np.float32)), np.zeros((4, 3)))
