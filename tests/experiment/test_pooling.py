"""Folds that are put together keep what each of them says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from icdcoder.experiment.pooling import by_way, carried
from icdcoder.measure.coding import set_measures


def test_weights_are_a_mean_and_counts_a_sum_of_what_every_fold_has() -> None:
    first = {"trainable_share": 0.2, "weights": 10.0, "answers_prose": 1.0, "micro_f1": 0.5, "answers_cut": 1.0}
    second = {"trainable_share": 0.4, "weights": 20.0, "answers_prose": 2.0, "micro_f1": 0.7}
    found = carried([first, second])
    assert found == pytest.approx({"trainable_share": 0.3, "weights": 15.0, "answers_prose": 3.0})
    assert carried([{"micro_f1": 0.5}]) == {}


def test_each_way_of_answering_is_measured_over_all_notes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    gold, accepted = rng.random((6, 3)) < 0.5, rng.random((6, 3)) < 0.5
    gold[3:, 2] = accepted[3:, 2] = False  # the second fold does not know the last code
    for name, rows, codes in (("a", slice(0, 3), 3), ("b", slice(3, 6), 2)):
        (tmp_path / name).mkdir()
        np.savez_compressed(
            tmp_path / name / "scores.npz", gold=gold[rows, :codes], accepted_generation=accepted[rows, :codes]
        )
    found = by_way([tmp_path / "a", tmp_path / "b"], [[0, 1, 2], [0, 1]], 3)
    assert found["generation_micro_f1"] == set_measures(gold, accepted)["micro_f1"]
    assert "attention_micro_f1" not in found
