from __future__ import annotations

import numpy as np
import pytest

from icdcoder.measure.concept_leak import FEWEST, GOLD_NOTES, MEANINGS, check

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


@pytest.mark.parametrize("scale", [1.0, 0.3])
@pytest.mark.parametrize("noise", [0.01, 0.02, 0.05, 0.1])
def test_noise_does_not_hide_a_leak(noise: float, scale: float) -> None:
    found = check(GOLD, scale * copied(noise), MEMBERSHIP)
    assert any("LOOK COPIED" in warning for warning in found.warnings)


@pytest.mark.parametrize("noise", [0.002, 0.02])
def test_honest_notes_beside_copied_ones_do_not_hide_a_leak(noise: float) -> None:
    half = RNG.random((NOTES, 1)) < 0.5
    assert check(GOLD, np.where(half, copied(noise), honest()), MEMBERSHIP).warnings


@pytest.mark.parametrize("count", [1, 3])
def test_honest_concepts_beside_copied_ones_do_not_hide_a_leak(count: int) -> None:
    some = np.arange(CODES * EACH) % EACH < count
    found = check(GOLD, np.where(some, copied(0.0), honest()), MEMBERSHIP)
    assert "one concept alone" in found.warnings[0]
    assert found.measures["concepts_best_single_f1"] == 1


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
    assert found.measures["concepts_best_single_f1"] < 0.8


def test_the_best_concept_of_a_rare_code_is_no_sign() -> None:
    """With a handful of gold notes, one of a code's concepts may fit them by chance."""
    gold = GOLD & (GOLD.cumsum(0) < GOLD_NOTES)
    found = check(gold, np.where(gold @ MEMBERSHIP, copied(), honest()), MEMBERSHIP)
    assert "concepts_best_single_f1" not in found.measures


def test_the_distribution_counts_every_pair_once() -> None:
    membership = MEMBERSHIP.copy()
    membership[0, 3:5] = False  # three concepts are counted in sevenths too
    found = check(GOLD, copied(0.0), membership).distribution
    assert [one.sevenths for one in found] == list(range(8))
    assert (found[7].gold, found[0].other) == (GOLD.sum(), (~GOLD).sum())
    mixed = check(GOLD, honest(), membership).distribution
    assert sum(one.gold for one in mixed) == GOLD.sum()
    assert sum(one.other for one in mixed) == (~GOLD).sum()
    assert check(GOLD, honest(), MEMBERSHIP & False).distribution == ()


def test_every_measure_has_a_meaning() -> None:
    assert set(check(GOLD, honest(), MEMBERSHIP).measures) <= set(MEANINGS)


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
