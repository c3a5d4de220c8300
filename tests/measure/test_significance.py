from __future__ import annotations

import math

import numpy as np
import pytest

from icdcoder.core.errors import InputError
from icdcoder.measure import significance
from icdcoder.measure.significance import (
    bootstrap_difference,
    bootstrap_micro_f1,
    mean_interval,
    spread,
    student_cdf,
    student_quantile,
)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 10, 29, 100, 999])
def test_student_agrees_with_scipy(freedom: int) -> None:
    from scipy.stats import t

    for x in (0.0, 0.3, 1.0, 2.5, 12.0):
        assert student_cdf(x, freedom) == pytest.approx(t.cdf(x, freedom), abs=1e-12)
    for p in (0.5, 0.9, 0.975, 0.995):
        assert student_quantile(p, freedom) == pytest.approx(t.ppf(p, freedom), rel=1e-9, abs=1e-12)


def test_the_interval_of_three_seeds() -> None:
    result = spread([0.50, 0.53, 0.56])
    assert result.mean == pytest.approx(0.53)
    assert result.sd == pytest.approx(0.03)
    # 4.303 is the textbook value for two degrees of freedom.
    assert result.half == pytest.approx(4.303 * 0.03 / math.sqrt(3), rel=1e-3)
    assert mean_interval([0.50, 0.53, 0.56]) == (result.mean, result.half)


def test_one_seed_tells_no_spread_and_none_is_refused() -> None:
    mean, half = mean_interval([0.4])
    assert mean == 0.4
    assert math.isnan(half)
    assert mean_interval([0.4, 0.4, 0.4]) == (pytest.approx(0.4), pytest.approx(0.0, abs=1e-15))
    with pytest.raises(InputError, match="one value at least"):
        spread([])


def system(seed: int, notes: int = 120, miss: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gold = rng.random((notes, 15)) < 0.2
    return gold, (gold & (rng.random(gold.shape) > miss)) | (rng.random(gold.shape) < 0.03)


def f1(gold: np.ndarray, accepted: np.ndarray) -> float:
    return 2 * (gold & accepted).sum() / (gold.sum() + accepted.sum())


def test_the_interval_holds_the_value_and_is_the_same_for_the_same_seed() -> None:
    gold, accepted = system(1)
    interval = bootstrap_micro_f1(gold, accepted)
    assert interval.value == pytest.approx(f1(gold, accepted))
    assert interval.low < interval.value < interval.high < interval.low + 0.15
    assert interval == bootstrap_micro_f1(gold, accepted)
    assert interval != bootstrap_micro_f1(gold, accepted, seed=1)


def test_resamples_are_those_of_whole_notes() -> None:
    gold, accepted = system(2, notes=30)
    rng = np.random.default_rng(7)
    drawn = rng.integers(30, size=(200, 30))
    low, high = np.quantile([f1(gold[rows], accepted[rows]) for rows in drawn], [0.025, 0.975])
    interval = bootstrap_micro_f1(gold, accepted, resamples=200, seed=7)
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_draws_in_several_parts_cover_all_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(significance, "DRAWS", 100)
    counts = [rows.shape for rows in significance._draws(30, 10, 0)]
    assert counts == [(3, 30), (3, 30), (3, 30), (1, 30)]


def test_notes_of_one_patient_stay_together_and_widen_the_interval() -> None:
    gold, accepted = system(3, notes=40)
    copies = np.repeat(gold, 5, axis=0), np.repeat(accepted, 5, axis=0)
    patients = [f"patient {i // 5}" for i in range(200)]
    alone, together = bootstrap_micro_f1(*copies), bootstrap_micro_f1(*copies, patients)
    assert together.value == pytest.approx(alone.value)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
    # Five equal notes of each patient tell no more than one.
    once = bootstrap_micro_f1(gold, accepted)
    assert (together.low, together.high) == pytest.approx((once.low, once.high))
    with pytest.raises(InputError, match="3 patients were given for 200 notes"):
        bootstrap_micro_f1(*copies, ["a", "b", "c"])


def test_a_paired_difference_is_sharper_than_two_intervals() -> None:
    gold, first = system(4, notes=300)
    second = first.copy()
    second[:, 0] = False  # never codes one of the codes
    difference = bootstrap_difference(gold, first, second)
    assert difference.value == pytest.approx(f1(gold, first) - f1(gold, second))
    assert 0 < difference.low < difference.value < difference.high
    assert difference.not_better == 0.0
    alone = bootstrap_micro_f1(gold, first)
    assert difference.high - difference.low < alone.high - alone.low


def test_a_system_is_no_better_than_itself() -> None:
    gold, accepted = system(5)
    difference = bootstrap_difference(gold, accepted, accepted)
    assert (difference.value, difference.low, difference.high, difference.not_better) == (0.0, 0.0, 0.0, 1.0)
