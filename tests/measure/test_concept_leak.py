from __future__ import annotations

import numpy as np
import pytest

from icdcoder.measure.concept_leak import FEWEST, check

RNG = np.random.default_rng(5)
NOTES, CODES, EACH = 200, 12, 5
MEMBERSHIP = np.kron(np.eye(CODES, dtype=bool), np.ones((1, EACH), dtype=bool))
GOLD = RNG.random((NOTES, CODES)) < 0.2


def honest() -> np.ndarray:
    """A gold code has a fifth of its concepts in the note, another one hardly any."""
    wanted = GOLD @ MEMBERSHIP
    on = np.where(wanted, RNG.random(wanted.shape) < 0.25, RNG.random(wanted.shape) < 0.02)
    return np.where(on, RNG.uniform(0.6, 1, on.shape), RNG.uniform(0, 0.4, on.shape))


def copied(noise: float = 0.002) -> np.ndarray:
    """Scores made from the labels, with a little noise, as in the released predictions that this check is for."""
    wanted = GOLD @ MEMBERSHIP
    flipped = wanted ^ (RNG.random(wanted.shape) < noise)
    return np.where(flipped, 0.9, 0.1)


def test_a_planted_leak_is_caught_loudly() -> None:
    found = check(GOLD, copied(), MEMBERSHIP)
    assert any("LOOK COPIED" in warning for warning in found.warnings)
    assert found.measures["concepts_rule_f1"] > 0.9
    assert found.measures["concepts_all_on_of_gold_pairs"] > 0.9
    assert found.measures["concepts_rule_f1_with_permuted_labels"] < 0.5


def test_a_leak_below_one_half_is_caught_too() -> None:
    """Probabilities that carry the labels need not pass one half."""
    found = check(GOLD, 0.3 * copied(), MEMBERSHIP)
    assert found.warnings
    assert found.measures["concepts_all_on_of_gold_pairs"] == 0


def test_honest_scores_pass() -> None:
    found = check(GOLD, honest(), MEMBERSHIP)
    assert found.warnings == ()
    assert found.measures["concepts_on_share_of_gold_pairs"] == pytest.approx(0.25, abs=0.05)
    assert found.measures["concepts_rule_f1"] < 0.5


def test_concepts_that_are_on_for_every_note_pass() -> None:
    found = check(GOLD, np.ones((NOTES, CODES * EACH)), MEMBERSHIP)
    assert found.warnings == ()
    chance = found.measures["concepts_rule_f1_with_permuted_labels"]
    assert found.measures["concepts_rule_f1"] == pytest.approx(chance)


def test_scores_of_zero_give_no_rule() -> None:
    found = check(GOLD, np.zeros((NOTES, CODES * EACH)), MEMBERSHIP)
    assert found.warnings == ()
    assert found.measures["concepts_rule_f1"] == 0


def test_where_it_cannot_be_checked_it_says_so() -> None:
    few = MEMBERSHIP & (np.arange(CODES * EACH) % EACH < FEWEST - 1)
    found = check(GOLD, copied(), few)
    assert "cannot be checked" in found.warnings[0]
    assert not found.measures
