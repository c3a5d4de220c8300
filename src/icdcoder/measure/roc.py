"""Area under the receiver operating characteristic, and the best threshold's F1, from ranks alone.

The area is the probability that a gold pair outscores a pair that is not gold, a tie counting one half (Mann and
Whitney 1947), which is what trapezoids under the curve give, without the curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.measure.counts import Counts
from icdcoder.measure.matrices import Counted, Flags, Numbers, as_flags, as_scores
from icdcoder.measure.order import above_and_equal, below_and_equal

# Columns that are turned into rows together, so that each is contiguous while it is read.
COLUMNS = 256

MEANINGS = {
    "auc_macro": "area under the ROC curve of each code that has gold and other notes here, averaged over those codes",
    "auc_macro_codes": "how many codes auc_macro averages over",
    "auc_micro": "area under the ROC curve of all note-code pairs together",
}


def auc_measures(gold: npt.ArrayLike, scores: npt.ArrayLike) -> dict[str, float]:
    """auc_macro, auc_macro_codes, auc_micro; an area that is undefined (nothing gold, or all) is left out."""
    truth = as_flags(gold, "gold")
    numbers = as_scores(scores, truth)
    areas = auc_of_codes(truth, numbers)
    defined = areas[~np.isnan(areas)]
    measures = {"auc_macro_codes": float(len(defined))}
    if len(defined):
        measures["auc_macro"] = float(defined.mean())
    if 0 < np.count_nonzero(truth) < truth.size:
        measures["auc_micro"] = Pooled.of(truth, numbers).auc
    return measures


def auc_of_codes(gold: Flags, scores: Numbers) -> npt.NDArray[np.float64]:
    """One area a code; NaN where no note has the code, or all have it."""
    notes, codes = gold.shape
    areas = np.full(codes, np.nan)
    positives = Counts.of(gold, gold).gold
    defined = (positives > 0) & (positives < notes)
    for start in range(0, codes, COLUMNS):
        block = slice(start, start + COLUMNS)
        flags, columns = np.ascontiguousarray(gold[:, block].T), np.ascontiguousarray(scores[:, block].T)
        for i in np.flatnonzero(defined[block]):
            others = columns[i][~flags[i]]
            above, equal = above_and_equal(others, columns[i][flags[i]])
            areas[start + i] = _area(len(others) - above - equal, equal, len(others))
    return areas


@dataclass(frozen=True)
class Pooled:
    """All pairs of a matrix as one ranking. values: scores of the gold pairs, ascending; below, equal: how many of
    all scores are smaller than, and the same as, each; pairs: how many there are."""

    values: npt.NDArray[Any]
    below: Counted
    equal: Counted
    pairs: int

    @classmethod
    def of(cls, gold: Flags, scores: Numbers) -> Pooled:
        values = np.sort(scores[gold])
        return cls(values, *below_and_equal(scores, values), scores.size)

    @property
    def auc(self) -> float:
        own_below = np.searchsorted(self.values, self.values, "left")
        own_equal = np.searchsorted(self.values, self.values, "right") - own_below
        return _area(self.below - own_below, self.equal - own_equal, self.pairs - len(self.values))

    @property
    def best_f1(self) -> float:
        """Micro-F1 of the best single threshold; it lies just below some gold score, as more only adds errors."""
        if not len(self.values):
            return 0.0
        correct = len(self.values) - np.searchsorted(self.values, self.values, "left")
        return float((2 * correct / (self.pairs - self.below + len(self.values))).max())


def _area(below: Counted, equal: Counted, negatives: int) -> float:
    """From the negatives that each gold score beats and ties with; exact until the one division."""
    return int((2 * below + equal).sum()) / (2 * len(below) * negatives)
