from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.predictors.ranking.stack import Stack


def examples(rows: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two noisy views of one hidden log-odds."""
    random = np.random.default_rng(seed)
    hidden = random.normal(-1, 2, rows)
    right = random.random(rows) < 1 / (1 + np.exp(-hidden))
    views = [1 / (1 + np.exp(-(hidden + random.normal(0, 1.5, rows)))) for _ in range(2)]
    return views[0], views[1], right


def log_loss(p: np.ndarray, right: np.ndarray) -> float:
    return float(-np.log(np.where(right, p, 1 - p)).mean())


def test_both_together_know_more_than_either() -> None:
    stack = Stack.fit(*examples())
    one, other, right = examples(seed=1)
    both = log_loss(stack.probabilities(one, other), right)
    assert both < min(log_loss(one, right), log_loss(other, right)) - 0.02


def test_a_coder_that_knows_nothing_gets_little_weight() -> None:
    one, _, right = examples()
    noise = np.random.default_rng(5).random(len(one))
    weights = Stack.fit(one, noise, right).weights
    assert abs(weights[2]) < 0.1 * weights[1]


@given(
    st.lists(st.tuples(st.floats(0, 1) | st.just(float("nan")), st.floats(0, 1) | st.just(float("nan"))), min_size=1)
)
def test_any_two_probabilities_make_a_probability(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = np.array(pairs).T
    found = Stack((0.1, 0.8, 0.7, -1.0, -2.0)).probabilities(ours, theirs)
    assert ((found >= 0) & (found <= 1)).all()


def test_more_certain_views_never_make_it_less_certain() -> None:
    rising = np.linspace(0.01, 0.99, 30)
    found = Stack.fit(*examples()).probabilities(rising, np.full(30, 0.4))
    assert (np.diff(found) > 0).all()
