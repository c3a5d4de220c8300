"""The floor is what loops over notes and codes find."""

from __future__ import annotations

import numpy as np
import pytest

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.measure import unread
from icdcoder.measure.page import meaning
from icdcoder.measure.ranking import ranking_measures
from icdcoder.measure.report import Report


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Gold of training and of test notes, in which codes are more and less frequent, some alike."""
    rng = np.random.default_rng(seed)
    share = rng.choice([0.02, 0.1, 0.4, 0.7], size=9)
    return rng.random((30, 9)) < share, rng.random((12, 9)) < share


@pytest.mark.parametrize("seed", range(8))
def test_the_floor_is_that_of_loops(seed: int) -> None:
    training, test = drawn(seed)
    counts = training.sum(0)
    order = sorted(range(9), key=lambda code: (-counts[code], code))

    def f1(gold: np.ndarray, most: int) -> float:
        right = sum(bool(row[code]) for row in gold for code in order[:most])
        return 2 * right / (most * len(gold) + gold.sum())

    most = max(range(1, 10), key=lambda n: (f1(training, n), -n))
    found = unread.measures(test, counts, len(training))
    assert found["micro_f1_without_reading"] == pytest.approx(f1(test, most))
    ranked = ranking_measures(test, np.broadcast_to(counts.astype(float), test.shape))["mean_average_precision"]
    assert found["mean_average_precision_without_reading"] == pytest.approx(ranked)
    assert all(meaning(name) for name in found)


def test_without_training_notes_or_gold_codes_there_is_none() -> None:
    _, test = drawn(0)
    assert unread.measures(test, np.zeros(9, dtype=int), 0) == {}
    assert unread.measures(test, np.zeros(9, dtype=int), 30) == {}
    assert unread.measures(np.zeros_like(test), np.ones(9, dtype=int), 30) == {}


def test_a_coder_that_is_no_better_is_warned_of() -> None:
    training, test = drawn(1)
    space = LabelSpace(Code("icd10cm", f"A{i:02}") for i in range(9))
    counts = training.sum(0)

    def warnings(probabilities: np.ndarray) -> str:
        given = {"space": space, "threshold": 0.5, "training_counts": counts, "training_notes": len(training)}
        return " ".join(Report.of(gold=test, probabilities=probabilities, **given).warnings)

    assert "No better than giving every note the most frequent codes" in warnings(
        np.random.default_rng(2).random((12, 9))
    )
    assert "No better" not in warnings(test.astype(float))
