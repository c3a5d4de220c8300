from __future__ import annotations

import numpy as np
import pytest

from icdcoder.core.code import Code
from icdcoder.predictors.ranking.code_sets import LIKELIEST, NAMES, fit, repeated, weigh

A, B, C = (Code("icd9cm", value) for value in ("486", "780.6", "786.2"))
ALONE = np.eye(len(NAMES))[0]


def odds(*probabilities: float) -> np.ndarray:
    p = np.array(probabilities)
    return np.log(p / (1 - p))


def test_by_their_own_odds_alone_codes_stay_as_likely_as_they_were() -> None:
    """A product of odds over all subsets is what independent codes are."""
    own = odds(0.9, 0.4, 0.05)
    found = weigh([A, B, C], own, {}).log_odds(ALONE, own)
    np.testing.assert_allclose(found, own, atol=1e-6)


def test_a_set_that_was_never_given_makes_way_for_one_that_was() -> None:
    own = odds(0.8, 0.55)
    weights = ALONE.copy()
    weights[NAMES.index("never_given")] = -3.0
    weighed = weigh([A, B], own, {frozenset({A}): 5, frozenset({B}): 5})
    first, second = weighed.log_odds(weights, own)
    assert first > 0 > second


def test_larger_sets_of_the_training_notes_are_weighed_too() -> None:
    codes = [Code("icd9cm", f"78{i}.0") for i in range(10)]
    own = odds(*np.linspace(0.9, 0.2, 10))
    weighed = weigh(codes, own, {frozenset(codes): 3})
    assert weighed.members.all(axis=1).any()
    assert len(weighed.members) == 2**LIKELIEST + 1


def test_a_set_with_a_code_that_is_no_likely_candidate_is_not() -> None:
    weighed = weigh([A, B], odds(0.5, 0.001), {frozenset({A, C}): 3, frozenset({A, B}): 3})
    assert len(weighed.members) == 4
    assert weighed.values[:, NAMES.index("times_given")].max() == pytest.approx(np.log(3.1))


def test_what_no_set_holds_keeps_its_own_odds() -> None:
    codes = [Code("icd9cm", f"78{i}.0") for i in range(9)]
    own = odds(*[0.5] * 7, 0.01, 0.01)
    np.testing.assert_allclose(weigh(codes, own, {}).log_odds(ALONE, own)[7:], own[7:])


def test_a_note_without_candidates_has_the_empty_set() -> None:
    weighed = weigh([], np.zeros(0), {frozenset({A}): 2})
    assert weighed.members.shape == (1, 0)
    assert weighed.log_odds(ALONE, np.zeros(0)).shape == (0,)


def test_the_weights_learn_that_two_codes_exclude_each_other() -> None:
    random = np.random.default_rng(0)
    given = {frozenset({A}): 50, frozenset({B}): 50}
    notes, gold = [], []
    for _ in range(200):
        first = bool(random.random() < 0.5)
        own = np.array([1.0, -1.0] if first else [-1.0, 1.0]) + random.normal(size=2)
        notes.append(weigh([A, B], own, given))
        gold.append(np.array([first, not first]))
    weights = fit(notes, gold)
    assert weights[NAMES.index("never_given")] < weights[NAMES.index("log_odds")]
    likelier = [
        one.share(weights)[np.flatnonzero((one.members == truth).all(axis=1))[0]]
        for one, truth in zip(notes, gold, strict=True)
    ]
    before = [
        one.share(ALONE)[np.flatnonzero((one.members == truth).all(axis=1))[0]]
        for one, truth in zip(notes, gold, strict=True)
    ]
    assert np.log(likelier).mean() > np.log(before).mean() + 0.2


def test_notes_whose_codes_are_no_candidates_teach_nothing() -> None:
    codes = [Code("icd9cm", f"78{i}.0") for i in range(9)]
    weighed = weigh(codes, odds(*[0.5] * 9), {})
    np.testing.assert_array_equal(fit([weighed], [np.ones(9, dtype=np.bool_)]), ALONE)


def test_sets_are_counted_where_most_notes_share_theirs() -> None:
    assert repeated([frozenset({A})] * 3 + [frozenset({B})])
    assert not repeated([frozenset({A}), frozenset({B}), frozenset({A, B}), frozenset({C}), frozenset({C})])
    assert not repeated([frozenset({A}), frozenset({B})])
