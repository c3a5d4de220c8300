"""What folds that are put together keep beside what is measured of their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from icdcoder.experiment.answers_report import ACCEPTED, of_way

WEIGHTS = ("weights", "trainable_weights", "trainable_share")
COUNTS = "answers_"


def carried(folds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of the measures that each fold has: weights as their mean, since the label spaces differ, counts as their sum."""
    names = sorted(set(folds[0]).intersection(*folds[1:]))
    means = {name: sum(fold[name] for fold in folds) / len(folds) for name in WEIGHTS if name in names}
    return means | {name: sum(fold[name] for fold in folds) for name in names if name.startswith(COUNTS)}


def by_way(reports: Sequence[Path], columns: Sequence[Sequence[int]], codes: int) -> dict[str, float]:
    """The measures of each way of answering alone, over all notes; none where coders answer in one way only.

    columns: of each report's codes among all `codes`.
    """
    parts: dict[str, list[np.ndarray]] = {}
    for report, own in zip(reports, columns, strict=True):
        with np.load(report / "scores.npz") as saved:
            for name in ("gold", *(name for name in saved.files if name.startswith(ACCEPTED))):
                matrix = np.zeros((len(saved[name]), codes), dtype=np.bool_)
                matrix[:, list(own)] = saved[name]
                parts.setdefault(name, []).append(matrix)
    gold = np.concatenate(parts.pop("gold"))
    whole = {name: found for name, found in parts.items() if len(found) == len(reports)}
    return {
        measure: value
        for name, found in whole.items()
        for measure, value in of_way(name.removeprefix(ACCEPTED), gold, np.concatenate(found)).items()
    }
