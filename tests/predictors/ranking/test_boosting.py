from __future__ import annotations

import numpy as np
import pytest

from icdcoder.predictors.ranking.boosting import BINS, Boosting, Forest, _histograms, _sums, fit, mean

SMALL = Boosting(trees=40, depth=3, rate=0.2, rows=1.0, columns=1.0)


def table(rows: int = 1500, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The answer is an exclusive or of two columns, which no linear rule finds; a third column is noise."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, 3)).astype(np.float32)
    return values, (values[:, 0] > 0) ^ (values[:, 1] > 0.5)


def test_it_learns_what_no_line_divides() -> None:
    forest = fit(*table(), SMALL)
    values, right = table(seed=1)
    assert ((forest.probabilities(values) > 0.5) == right).mean() > 0.95


def test_probabilities_mean_what_they_say() -> None:
    random = np.random.default_rng(0)
    values = random.random((6000, 1)).astype(np.float32)
    forest = fit(values[:3000], random.random(3000) < values[:3000, 0], SMALL)
    found = forest.probabilities(values[3000:])
    for low in (0.1, 0.4, 0.7):
        inside = (found >= low) & (found < low + 0.2)
        assert values[3000:, 0][inside].mean() == pytest.approx(found[inside].mean(), abs=0.07)


def test_the_same_seed_gives_the_same_trees() -> None:
    one, other = (fit(*table(), Boosting(trees=5, depth=3), seed=4) for _ in range(2))
    assert np.array_equal(one.feature, other.feature)
    assert np.array_equal(one.value, other.value)
    assert not np.array_equal(one.value, fit(*table(), Boosting(trees=5, depth=3), seed=5).value)


def test_scoring_agrees_with_a_walk_through_the_trees() -> None:
    values, right = table(400)
    forest = fit(values, right, Boosting(trees=7, depth=4))
    expected = [forest.base + sum(walk(forest, tree, row) for tree in range(len(forest.value))) for row in values[:50]]
    np.testing.assert_allclose(forest.log_odds(values[:50]), expected, rtol=1e-5)


def test_the_mean_of_forests_has_the_mean_of_their_log_odds() -> None:
    values, right = table(400)
    forests = [fit(values, right, Boosting(trees=4, depth=3), seed=seed) for seed in (1, 2)]
    expected = (forests[0].log_odds(values) + forests[1].log_odds(values)) / 2
    np.testing.assert_allclose(mean(forests).log_odds(values), expected, rtol=1e-5, atol=1e-6)


def test_counting_only_the_smaller_of_two_children_gives_what_counting_both_gives() -> None:
    random = np.random.default_rng(3)
    own = random.integers(0, BINS, (5, 300)).astype(np.uint8)
    weights = (random.normal(size=300), random.random(300))
    place = random.integers(0, 4, 300)
    place[place == 1] = 0  # a child without rows
    above = _sums(own, weights, np.zeros(300, dtype=np.int64), np.zeros((2, 5, 0, BINS)))
    below = _sums(own, weights, place // 2, above)
    np.testing.assert_allclose(_sums(own, weights, place, below), _histograms(own, weights, place, 4), atol=1e-12)


def walk(forest: Forest, tree: int, row: np.ndarray) -> float:
    node, inner = 0, forest.feature.shape[1]
    while node < inner:
        node = 2 * node + 1 + int(row[forest.feature[tree, node]] > forest.threshold[tree, node])
    return float(forest.value[tree, node - inner])


def test_what_was_learnt_on_bins_holds_for_values_between_them() -> None:
    values = np.array([[0.0]] * 50 + [[1.0]] * 50, dtype=np.float32)
    forest = fit(values, values[:, 0] > 0.5, SMALL)
    low, high = forest.probabilities(np.array([[-3.0], [7.0]], dtype=np.float32))
    assert low < 0.1
    assert high > 0.9


def test_a_question_with_one_answer_is_answered_so() -> None:
    forest = fit(np.zeros((20, 2), dtype=np.float32), np.zeros(20, dtype=np.bool_), SMALL)
    assert forest.probabilities(np.zeros((1, 2), dtype=np.float32))[0] < 0.01


def test_arrays_hold_the_whole_forest() -> None:
    values, right = table(300)
    forest = fit(values, right, Boosting(trees=3, depth=2))
    again = Forest.of(forest.arrays("first"), "first")
    assert np.array_equal(again.log_odds(values), forest.log_odds(values))


def test_no_rows_have_no_probabilities() -> None:
    forest = fit(*table(100), Boosting(trees=2, depth=2))
    assert forest.probabilities(np.zeros((0, 3), dtype=np.float32)).shape == (0,)
