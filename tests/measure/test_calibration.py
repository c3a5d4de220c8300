from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.core.errors import InputError
from icdcoder.measure import calibration
from icdcoder.measure.calibration import Calibration


def test_by_hand() -> None:
    gold = np.array([[1, 0], [1, 0]], dtype=np.bool_)
    result = Calibration.of(gold, np.array([[0.95, 0.05], [0.65, 0.55]]))
    assert result.brier == pytest.approx((0.05**2 + 0.05**2 + 0.35**2 + 0.55**2) / 4)
    filled = {b.low: (b.pairs, b.gold) for b in result.bins if b.pairs}
    assert filled == {0.0: (1, 0), 0.5: (1, 0), 0.6: (1, 1), 0.9: (1, 1)}
    assert result.error() == pytest.approx((0.05 + 0.55 + 0.35 + 0.05) / 4)
    assert result.error(0.5) == pytest.approx((0.55 + 0.35 + 0.05) / 3)


@settings(deadline=None)
@given(st.integers(0, 100_000), st.sampled_from([np.float32, np.float64]))
def test_bins_are_those_of_numpy_and_scikit_learn(seed: int, dtype: type) -> None:
    from sklearn.metrics import brier_score_loss

    rng = np.random.default_rng(seed)
    gold, probabilities = rng.random((13, 11)) < 0.3, rng.random((13, 11)).astype(dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "CELLS", 50)
        result = Calibration.of(gold, probabilities)
    counts, _ = np.histogram(probabilities, bins=10, range=(0, 1))
    assert [b.pairs for b in result.bins] == counts.tolist()
    assert sum(b.gold for b in result.bins) == gold.sum()
    assert sum(b.mean_probability * b.pairs for b in result.bins) == pytest.approx(float(probabilities.sum()), rel=1e-5)
    assert result.brier == pytest.approx(brier_score_loss(gold.ravel(), probabilities.ravel().astype(float)))


def test_zero_and_one_have_a_bin() -> None:
    result = Calibration.of([[1, 0]], np.array([[1.0, 0.0]]))
    assert (result.bins[-1].pairs, result.bins[-1].gold, result.bins[0].pairs) == (1, 1, 1)
    assert result.measures == {"brier_score": 0.0, "calibration_error": 0.0, "calibration_error_of_candidates": 0.0}


def test_honest_probabilities_are_calibrated_and_boasting_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.random((400, 100))
    gold = rng.random((400, 100)) < probabilities
    honest, boasting = Calibration.of(gold, probabilities), Calibration.of(gold, probabilities**0.25)
    assert honest.error() < 0.02 < 0.2 < boasting.error()
    assert honest.brier < boasting.brier


def test_the_many_sure_no_do_not_hide_the_candidates() -> None:
    gold = np.zeros((10, 100), dtype=np.bool_)
    probabilities = np.zeros((10, 100))
    probabilities[:, 0] = 0.8
    measures = Calibration.of(gold, probabilities).measures
    assert measures["calibration_error"] == pytest.approx(0.008)
    assert measures["calibration_error_of_candidates"] == pytest.approx(0.8)


def test_logits_are_refused() -> None:
    with pytest.raises(InputError, match=r"outside \[0, 1\]"):
        Calibration.of([[1, 0]], np.array([[1.5, -2.0]]))
