from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.measure.ranking import KS, GoldRanks, ranking_measures

# Codes A B C D. Best first, ties to the lower index:  ACBD  (gold A 1, B 3),  CABD (gold B 3),  BACD (gold A 2, C 3).
GOLD = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0]], dtype=np.bool_)
SCORES = np.array([[0.9, 0.3, 0.5, 0.1], [0.4, 0.4, 0.7, 0.4], [0.2, 0.6, 0.2, 0.2]])
AVERAGE_PRECISION = [(1 + Fraction(2, 3)) / 2, Fraction(1, 3), (Fraction(1, 2) + Fraction(2, 3)) / 2]
BY_HAND = {
    "precision_at_1": Fraction(1, 3),
    "recall_at_1": (Fraction(1, 2) + 0 + 0) / 3,
    "precision_at_2": (Fraction(1, 2) + 0 + Fraction(1, 2)) / 3,
    "recall_at_2": (Fraction(1, 2) + 0 + Fraction(1, 2)) / 3,
    "precision_at_3": (Fraction(2, 3) + Fraction(1, 3) + Fraction(2, 3)) / 3,
    "recall_at_3": Fraction(1),
    "precision_at_9": (Fraction(2, 4) + Fraction(1, 4) + Fraction(2, 4)) / 3,  # there are but four codes
    "mean_average_precision": sum(AVERAGE_PRECISION, Fraction(0)) / 3,
    "r_precision": (Fraction(1, 2) + 0 + Fraction(1, 2)) / 3,
}


def test_every_measure_equals_the_fraction_worked_by_hand() -> None:
    measures = ranking_measures(GOLD, SCORES, ks=(1, 2, 3, 9))
    for name, fraction in BY_HAND.items():
        assert measures[name] == pytest.approx(float(fraction), abs=1e-15), name
    p, r = BY_HAND["precision_at_1"], BY_HAND["recall_at_1"]
    assert measures["f1_at_1"] == pytest.approx(float(2 * p * r / (p + r)))


def test_ranks_are_places_with_ties_to_the_lower_index() -> None:
    ranks = GoldRanks.of(GOLD, SCORES)
    assert ranks.note.tolist() == [0, 0, 1, 2, 2]
    assert ranks.rank.tolist() == [1, 3, 3, 2, 3]
    assert ranks.average_precision.tolist() == pytest.approx([float(f) for f in AVERAGE_PRECISION])


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 100_000), st.booleans())
def test_a_stable_sort_of_every_row_agrees(seed: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    notes, codes = int(rng.integers(1, 12)), int(rng.integers(1, 60))
    gold = rng.random((notes, codes)) < rng.random()
    scores = rng.standard_normal((notes, codes)).astype(np.float32)
    scores = np.round(scores) if ties else scores
    measures = ranking_measures(gold, scores)
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked = np.take_along_axis(gold, order, axis=1)
    graded = gold.any(axis=1)
    sizes = gold.sum(axis=1)
    for k in KS:
        assert measures[f"precision_at_{k}"] == pytest.approx((ranked[:, :k].sum(1) / min(k, codes)).mean())
        if graded.any():
            assert measures[f"recall_at_{k}"] == pytest.approx((ranked[:, :k].sum(1)[graded] / sizes[graded]).mean())
    if graded.any():
        precision = np.cumsum(ranked, axis=1) / np.arange(1, codes + 1)
        average = (precision * ranked).sum(1)[graded] / sizes[graded]
        assert measures["mean_average_precision"] == pytest.approx(average.mean())
        r = [ranked[i, : sizes[i]].mean() for i in np.flatnonzero(graded)]
        assert measures["r_precision"] == pytest.approx(np.mean(r))
    else:
        assert set(measures) == {f"precision_at_{k}" for k in KS}


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 100_000))
def test_scikit_learn_and_caml_agree_without_ties_and_with_gold_in_every_note(seed: int) -> None:
    from sklearn.metrics import label_ranking_average_precision_score

    rng = np.random.default_rng(seed)
    gold = rng.random((9, 20)) < 0.3
    gold[:, 0] |= ~gold.any(axis=1)
    scores = rng.permutation(180).reshape(9, 20) / 180
    measures = ranking_measures(gold, scores, ks=(8,))
    expected = label_ranking_average_precision_score(gold, scores)
    assert measures["mean_average_precision"] == pytest.approx(expected)
    best = np.argsort(scores)[:, ::-1][:, :8]
    hits = np.array([row[place].sum() for row, place in zip(gold, best, strict=True)])
    precision, recall = (hits / 8).mean(), (hits / gold.sum(1)).mean()
    assert measures["precision_at_8"] == pytest.approx(precision)
    assert measures["recall_at_8"] == pytest.approx(recall)
    assert measures["f1_at_8"] == pytest.approx(2 * precision * recall / (precision + recall))


def test_a_note_without_gold_counts_in_precision_only() -> None:
    more_gold = np.vstack([GOLD, np.zeros((1, 4), dtype=np.bool_)])
    more_scores = np.vstack([SCORES, np.ones((1, 4))])
    with_it, without = ranking_measures(more_gold, more_scores, ks=(2,)), ranking_measures(GOLD, SCORES, ks=(2,))
    for name in ("recall_at_2", "mean_average_precision", "r_precision"):
        assert with_it[name] == without[name]
    assert with_it["precision_at_2"] == pytest.approx(without["precision_at_2"] * 3 / 4)


def test_a_monotone_change_of_the_scores_changes_nothing() -> None:
    rng = np.random.default_rng(5)
    gold, logits = rng.random((30, 40)) < 0.1, rng.standard_normal((30, 40)) * 3
    assert ranking_measures(gold, logits) == ranking_measures(gold, 1 / (1 + np.exp(-logits)))
