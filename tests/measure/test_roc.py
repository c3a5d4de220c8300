from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.measure import roc
from icdcoder.measure.roc import Pooled, auc_measures, auc_of_codes

# Gold and scores of test_ranking. Code A: gold .9 .2, other .4 → 1 of 2 pairs in order. B: .3 .4 against .6 → 0 of 2.
# C: .2 against .5 .7 → 0 of 2. D: no gold. Pooled, gold .9 .3 .4 .2 .2 against .5 .1 .4 .7 .4 .6 .2:
# 7 + 2 + (2 + 2/2) + (1 + 1/2) + (1 + 1/2) = 15 of 35.
GOLD = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0]], dtype=np.bool_)
SCORES = np.array([[0.9, 0.3, 0.5, 0.1], [0.4, 0.4, 0.7, 0.4], [0.2, 0.6, 0.2, 0.2]])


def test_areas_equal_the_fractions_worked_by_hand() -> None:
    assert auc_of_codes(GOLD, SCORES).tolist() == pytest.approx([0.5, 0.0, 0.0, np.nan], nan_ok=True)
    measures = auc_measures(GOLD, SCORES)
    assert measures == {
        "auc_macro_codes": 3.0,
        "auc_macro": pytest.approx(float(Fraction(1, 6))),
        "auc_micro": pytest.approx(float(Fraction(15, 35))),
    }


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 100_000), st.sampled_from([0, 1, None]), st.integers(1, 80))
def test_scikit_learn_agrees(seed: int, digits: int | None, notes: int) -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(seed)
    gold = rng.random((notes, 7)) < rng.random()
    scores = rng.standard_normal((notes, 7)).astype(np.float32)
    scores = scores if digits is None else np.round(scores, digits)
    measures = auc_measures(gold, scores)
    both = [i for i in range(7) if 0 < gold[:, i].sum() < notes]
    assert measures["auc_macro_codes"] == len(both)
    if both:
        areas = [roc_auc_score(gold[:, i], scores[:, i]) for i in both]
        assert measures["auc_macro"] == pytest.approx(np.mean(areas), abs=1e-12)
        assert measures["auc_micro"] == pytest.approx(roc_auc_score(gold.ravel(), scores.ravel()), abs=1e-12)
    else:
        assert "auc_macro" not in measures


def test_columns_in_several_blocks_give_the_same() -> None:
    rng = np.random.default_rng(2)
    gold, scores = rng.random((40, 23)) < 0.2, rng.random((40, 23))
    whole = auc_of_codes(gold, scores)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(roc, "COLUMNS", 5)
        assert np.array_equal(auc_of_codes(gold, scores), whole, equal_nan=True)


def test_perfect_and_reversed_rankings() -> None:
    assert auc_measures(GOLD, GOLD.astype(float))["auc_micro"] == 1.0
    assert auc_measures(GOLD, -GOLD.astype(float))["auc_macro"] == 0.0
    assert auc_measures(GOLD, np.zeros(GOLD.shape))["auc_micro"] == 0.5


@given(st.integers(0, 100_000), st.booleans())
def test_the_best_f1_is_the_best_of_all_thresholds(seed: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    gold = rng.random((6, 5)) < 0.4
    scores = np.round(rng.random((6, 5)), 1 if ties else 9)
    tried = [0.0]
    for threshold in (-1.0, *scores.ravel()):
        accepted = scores > threshold
        tried.append(2 * (gold & accepted).sum() / max(1, gold.sum() + accepted.sum()))
    assert Pooled.of(gold, scores).best_f1 == pytest.approx(max(tried))
