from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.core.errors import InputError
from icdcoder.measure.coding import MEANINGS, coding_measures, set_measures, validation_measures

# Codes A B C D; gold of three notes: AB, B, AC; accepted: AB, BC, ABD.
#          gold  accepted  correct   precision  recall   F1
#   A       2       2         2          1        1       1
#   B       2       3         2         2/3       1      4/5
#   C       1       1         0          0        0       0
#   D       0       1         0          0        0       0
GOLD = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0]], dtype=np.bool_)
ACCEPTED = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 0, 1]], dtype=np.bool_)
BY_HAND = {
    "micro_precision": Fraction(4, 7),
    "micro_recall": Fraction(4, 5),
    "micro_f1": Fraction(2 * 4, 5 + 7),
    "macro_precision": (1 + Fraction(2, 3)) / 4,
    "macro_recall": Fraction(1 + 1, 4),
    "macro_f1_mean_of_codes": (1 + Fraction(4, 5)) / 4,
    "macro_f1_of_macro_precision_recall": 2 * Fraction(5, 12) * Fraction(1, 2) / (Fraction(5, 12) + Fraction(1, 2)),
    "macro_precision_present": (1 + Fraction(2, 3)) / 3,
    "macro_recall_present": Fraction(2, 3),
    "macro_f1_mean_of_codes_present": (1 + Fraction(4, 5)) / 3,
    "jaccard_micro": Fraction(4, 5 + 7 - 4),
    "jaccard_macro": (1 + Fraction(2, 3)) / 4,
    "f1_mean_of_notes": (1 + Fraction(2, 3) + Fraction(2, 5)) / 3,
    "exact_match_ratio": Fraction(1, 3),
    "notes": Fraction(3),
    "notes_without_gold": Fraction(0),
    "codes": Fraction(4),
    "codes_present": Fraction(3),
    "gold_pairs": Fraction(5),
    "accepted_pairs": Fraction(7),
    "correct_pairs": Fraction(4),
}


def test_every_measure_equals_the_fraction_worked_by_hand() -> None:
    measures = set_measures(GOLD, ACCEPTED)
    assert set(measures) == set(BY_HAND) == set(MEANINGS)
    for name, fraction in BY_HAND.items():
        assert measures[name] == pytest.approx(float(fraction), abs=1e-15), name


def test_the_two_macro_f1_differ() -> None:
    assert BY_HAND["macro_f1_mean_of_codes"] == Fraction(9, 20)
    assert BY_HAND["macro_f1_of_macro_precision_recall"] == Fraction(5, 11)


def random_case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    notes, codes = rng.integers(2, 30), rng.integers(2, 12)
    gold = rng.random((notes, codes)) < rng.random()
    scores = rng.random((notes, codes)).astype(rng.choice([np.float32, np.float64]))
    return gold, scores, scores > rng.random()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000))
def test_scikit_learn_agrees(seed: int) -> None:
    from sklearn import metrics as sk

    gold, _, accepted = random_case(seed)
    ours = set_measures(gold, accepted)
    present = gold.any(axis=0)
    theirs = {
        "exact_match_ratio": sk.accuracy_score(gold, accepted),
        "f1_mean_of_notes": sk.f1_score(gold, accepted, average="samples", zero_division=0),
        "micro_f1": sk.f1_score(gold, accepted, average="micro", zero_division=0),
        "micro_precision": sk.precision_score(gold, accepted, average="micro", zero_division=0),
        "micro_recall": sk.recall_score(gold, accepted, average="micro", zero_division=0),
        "macro_f1_mean_of_codes": sk.f1_score(gold, accepted, average="macro", zero_division=0),
        "macro_precision": sk.precision_score(gold, accepted, average="macro", zero_division=0),
        "macro_recall": sk.recall_score(gold, accepted, average="macro", zero_division=0),
        "jaccard_micro": sk.jaccard_score(gold, accepted, average="micro", zero_division=0),
        "jaccard_macro": sk.jaccard_score(gold, accepted, average="macro", zero_division=0),
    }
    if present.sum() > 1:
        theirs["macro_f1_mean_of_codes_present"] = sk.f1_score(
            gold[:, present], accepted[:, present], average="macro", zero_division=0
        )
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-12), name


@given(st.integers(0, 100_000))
def test_the_formulas_of_caml_agree_where_they_are_finite(seed: int) -> None:
    gold, _, accepted = random_case(seed)
    ours = set_measures(gold, accepted)
    tiny = 1e-10
    both, either = (gold & accepted).sum(0), (gold | accepted).sum(0)
    precision = (both / (accepted.sum(0) + tiny)).mean()
    recall = (both / (gold.sum(0) + tiny)).mean()
    assert ours["jaccard_macro"] == pytest.approx((both / (either + tiny)).mean(), abs=1e-9)
    assert ours["macro_precision"] == pytest.approx(precision, abs=1e-9)
    assert ours["macro_recall"] == pytest.approx(recall, abs=1e-9)
    if precision + recall:
        harmonic = 2 * precision * recall / (precision + recall)
        assert ours["macro_f1_of_macro_precision_recall"] == pytest.approx(harmonic, abs=1e-9)
    if gold.any() and accepted.any():
        p, r = both.sum() / accepted.sum(), both.sum() / gold.sum()
        assert ours["micro_f1"] == pytest.approx(2 * p * r / (p + r) if p + r else 0.0, abs=1e-12)


def test_jaccard_follows_from_f1_as_the_published_pairs_of_figures_do() -> None:
    measures = set_measures(GOLD, ACCEPTED)
    assert measures["jaccard_micro"] == pytest.approx(measures["micro_f1"] / (2 - measures["micro_f1"]))


def test_nothing_accepted_gives_zeros_and_says_how_many() -> None:
    measures = set_measures(GOLD, np.zeros_like(GOLD))
    assert measures["micro_precision"] == measures["micro_f1"] == measures["accepted_pairs"] == 0.0
    assert all(np.isfinite(value) for value in measures.values())


def test_what_is_undefined_is_left_out() -> None:
    none = np.zeros((3, 4), dtype=np.bool_)
    measures = coding_measures(none, np.random.default_rng(0).random((3, 4)), ~none)
    assert not {"macro_f1_mean_of_codes_present", "auc_macro", "auc_micro", "mean_average_precision"} & set(measures)
    assert measures["micro_recall"] == 0.0
    assert measures["notes_without_gold"] == 3.0
    assert all(np.isfinite(value) for value in measures.values())


def test_order_of_notes_and_of_codes_changes_nothing() -> None:
    gold, scores, accepted = random_case(11)
    notes, codes = np.random.default_rng(0).permutation(len(gold)), np.random.default_rng(1).permutation(gold.shape[1])
    moved = coding_measures(*(m[notes][:, codes] for m in (gold, scores, accepted)))
    assert moved == pytest.approx(coding_measures(gold, scores, accepted), abs=1e-12)


def test_a_score_that_is_no_number_is_refused() -> None:
    scores = np.full(GOLD.shape, 0.5)
    scores[1, 1] = np.nan
    with pytest.raises(InputError, match="1 of 12 scores are NaN"):
        coding_measures(GOLD, scores, ACCEPTED)


def test_training_sees_a_good_ranking_below_one_half() -> None:
    scores = np.where(GOLD, 0.2, 0.1)
    measures = validation_measures(GOLD, scores)
    assert measures["micro_f1"] == 0.0
    assert measures["micro_f1_at_best_threshold"] == measures["mean_average_precision"] == 1.0
    assert validation_measures(np.zeros_like(GOLD), scores)["micro_f1_at_best_threshold"] == 0.0
