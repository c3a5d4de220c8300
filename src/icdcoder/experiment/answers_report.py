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
WENT_WRONG = {
    "outside_space": "Codes written that the label space does not hold, and so not counted: {0}.",
    "prose": "Of {1} answers, {0} could not be read as codes and count as none.",
    "cut": "Of {1} answers, {0} had no end and were cut.",
}


def answers_measured(
    report: Report, parts: Sequence[Answered], gold: npt.NDArray[np.bool_], thresholds: Mapping[str, float]
) -> Report:
    """The report with SHOWN by each way ("generation_micro_f1") and the counts of what went wrong
    ("answers_prose"), with a warning for those that are not 0."""
    measures: dict[str, float] = {}
    for way, threshold in thresholds.items():
        scores = np.concatenate([part.by_way[way] for part in parts])
        found = set_measures(gold, scores > threshold)
        measures |= {f"{way}_{name}": found[name] for name in SHOWN}
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)
    measures |= {f"answers_{name}": float(count) for name, count in counts.items()}
    warnings = [WENT_WRONG[name].format(count, len(gold)) for name, count in counts.items() if count]
    return replace(report, metrics={**report.metrics, **measures}, warnings=(*report.warnings, *warnings))
