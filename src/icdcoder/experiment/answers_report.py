"""What a report says of a coder that answers in more than one way: each way alone, and what went wrong in writing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from icdcoder.core.answering import Answered
from icdcoder.measure.coding import set_measures
from icdcoder.measure.report import Report

# The measures of the paper, in its order: macro- and micro-F1, macro- and micro-accuracy.
SHOWN = ("macro_f1_mean_of_codes", "micro_f1", "jaccard_macro", "jaccard_micro")
# What each way of answering accepts, in scores.npz.
ACCEPTED = "accepted_"
WENT_WRONG = {
    "outside_space": "Codes written that the label space does not hold, and so not counted: {0}.",
    "prose": "Of {1} answers, {0} could not be read as codes and count as none.",
    "cut": "Of {1} answers, {0} had no end and were cut.",
}


def accepted_by_way(parts: Sequence[Answered], thresholds: Mapping[str, float]) -> dict[str, npt.NDArray[np.bool_]]:
    """Matrices "note code" under the names that they have in scores.npz."""
    return {
        ACCEPTED + way: np.concatenate([part.by_way[way] for part in parts]) > threshold
        for way, threshold in thresholds.items()
    }


def of_way(way: str, gold: npt.NDArray[np.bool_], accepted: npt.NDArray[np.bool_]) -> dict[str, float]:
    found = set_measures(gold, accepted)
    return {f"{way}_{name}": found[name] for name in SHOWN}


def answers_measured(
    report: Report, parts: Sequence[Answered], gold: npt.NDArray[np.bool_], thresholds: Mapping[str, float]
) -> Report:
    """The report with SHOWN by each way ("generation_micro_f1") and the counts of what went wrong
    ("answers_prose"), with a warning for those that are not 0."""
    measures: dict[str, float] = {}
    for name, accepted in accepted_by_way(parts, thresholds).items():
        measures |= of_way(name.removeprefix(ACCEPTED), gold, accepted)
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)
    measures |= {f"answers_{name}": float(count) for name, count in counts.items()}
    warnings = [WENT_WRONG[name].format(count, len(gold)) for name, count in counts.items() if count]
    return replace(report, metrics={**report.metrics, **measures}, warnings=(*report.warnings, *warnings))
