"""Measures of a ranking: precision, recall and F1 at k, mean average precision, R-precision.

Codes are ranked by falling score; of codes that tie, the one with the lower index in the label space comes first,
so that a measure never depends on a sorting routine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icdcoder.measure.counts import harmonic
from icdcoder.measure.matrices import Counted, as_flags, as_scores
from icdcoder.measure.order import above_and_equal

KS = (5, 8, 15)

MEANINGS = {
    "precision_at_k": "share of gold among the k best codes of a note, mean over notes",
    "recall_at_k": "share of a note's gold codes that are among its k best, mean over notes that have gold codes",
    "f1_at_k": "harmonic mean of precision at k and recall at k",
    "mean_average_precision": "precision at the rank of each gold code of a note, averaged; mean over notes with gold",
    "r_precision": "precision at as many codes as the note has gold codes, mean over notes that have any",
}


@dataclass(frozen=True)
class GoldRanks:
    """Where the gold codes stand. note, rank: one entry a gold pair, notes ascending, ranks from 1 and ascending
    within a note. sizes: gold codes of each note. codes: how many were ranked."""

    note: Counted
    rank: Counted
    sizes: Counted
    codes: int

    @classmethod
    def of(cls, gold: npt.ArrayLike, scores: npt.ArrayLike) -> GoldRanks:
        truth = as_flags(gold, "gold")
        numbers = as_scores(scores, truth)
        note, code = np.divmod(np.flatnonzero(truth), truth.shape[1])
        sizes = np.bincount(note, minlength=len(truth))
        rank = np.zeros(len(note), dtype=np.int64)
        ends = np.cumsum(sizes)
        for row in np.flatnonzero(sizes):
            pairs = slice(ends[row] - sizes[row], ends[row])
            rank[pairs] = np.sort(_ranks(numbers[row], code[pairs]))
        return cls(note, rank, sizes, truth.shape[1])

    def hits(self, k: int | Counted) -> Counted:
        """Gold codes among the k best of each note; k is one number, or one a note."""
        return np.bincount(
            self.note[self.rank <= np.broadcast_to(k, self.sizes.shape)[self.note]], minlength=self.notes
        )

    @property
    def notes(self) -> int:
        return len(self.sizes)

    @property
    def average_precision(self) -> npt.NDArray[np.float64]:
        """One value a note; NaN for a note without gold codes."""
        first = np.cumsum(self.sizes) - self.sizes
        place = np.arange(len(self.note)) - first[self.note] + 1
        sums = np.bincount(self.note, weights=place / self.rank, minlength=self.notes)
        return np.divide(sums, self.sizes, out=np.full(self.notes, np.nan), where=self.sizes > 0)


def ranking_measures(gold: npt.ArrayLike, scores: npt.ArrayLike, ks: Sequence[int] = KS) -> dict[str, float]:
    """precision_at_k, recall_at_k, f1_at_k for each k, mean_average_precision, r_precision.

    Precision at k divides by the number of codes where there are fewer than k, as CAML does. Notes without gold
    codes count in precision, which is 0 for them, and nowhere else; where no note has any, the others are left out.
    """
    ranks = GoldRanks.of(gold, scores)
    graded = ranks.sizes > 0
    sizes = ranks.sizes[graded]
    measures: dict[str, float] = {}
    for k in ks:
        hits = ranks.hits(k)
        precision = float(hits.mean()) / min(k, ranks.codes)
        measures[f"precision_at_{k}"] = precision
        if len(sizes):
            recall = float((hits[graded] / sizes).mean())
            measures[f"recall_at_{k}"] = recall
            measures[f"f1_at_{k}"] = harmonic(precision, recall)
    if len(sizes):
        measures["mean_average_precision"] = float(ranks.average_precision[graded].mean())
        measures["r_precision"] = float((ranks.hits(ranks.sizes)[graded] / sizes).mean())
    return measures


def _ranks(line: npt.NDArray[np.floating], codes: Counted) -> Counted:
    values = line[codes]
    above, equal = above_and_equal(line, values)
    ranks = above + 1
    for i in np.flatnonzero(equal > 1):
        ranks[i] += np.count_nonzero(line[: codes[i]] == values[i])
    return ranks
