"""Does a probability of 0.8 mean right four times in five? Brier score, calibration error, reliability bins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icdcoder.core.errors import InputError
from icdcoder.measure.matrices import as_flags, as_scores

# Pairs that are binned together; bounds the memory beyond the matrices themselves.
CELLS = 1 << 20
# Nearly every pair of a large label space is a sure "no" and hides how the others are calibrated.
CANDIDATE = 0.1

MEANINGS = {
    "brier_score": "mean squared difference of probability and gold (0 or 1) over all pairs; 0 is perfect",
    "calibration_error": "mean distance of probability and share of gold over ten bins, weighted by pairs (ECE)",
    "calibration_error_of_candidates": f"calibration_error over the pairs with a probability of {CANDIDATE} or more",
}


@dataclass(frozen=True)
class Bin:
    """Pairs with low ≤ probability < high (the last bin holds 1.0): how many, how many gold, mean probability."""

    low: float
    high: float
    pairs: int
    gold: int
    mean_probability: float

    @property
    def share_gold(self) -> float:
        return self.gold / self.pairs if self.pairs else 0.0

    @property
    def error(self) -> float:
        return abs(self.share_gold - self.mean_probability)


@dataclass(frozen=True)
class Calibration:
    """brier: Brier (1950) over all pairs. bins: ascending, empty ones too."""

    brier: float
    bins: tuple[Bin, ...]

    @classmethod
    def of(cls, gold: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = 10) -> Calibration:
        """Bins of equal width over all "note code" pairs. Raises InputError for a probability outside [0, 1]."""
        truth = as_flags(gold, "gold")
        numbers = as_scores(probabilities, truth)
        if numbers.min() < 0 or numbers.max() > 1:
            raise InputError("Calibration is measured on probabilities; some scores lie outside [0, 1].")
        flat_truth, flat = truth.reshape(-1), numbers.reshape(-1)
        pairs, right = np.zeros(bins, dtype=np.int64), np.zeros(bins, dtype=np.int64)
        sums, squares = np.zeros(bins), 0.0
        for start in range(0, flat.size, CELLS):
            part = flat[start : start + CELLS].astype(np.float64)
            true = flat_truth[start : start + CELLS]
            index = np.minimum((part * bins).astype(np.int64), bins - 1)
            pairs += np.bincount(index, minlength=bins)
            right += np.bincount(index[true], minlength=bins)
            sums += np.bincount(index, weights=part, minlength=bins)
            squares += float(((part - true) ** 2).sum())
        means = np.divide(sums, pairs, out=np.zeros(bins), where=pairs > 0)
        rows = zip(pairs.tolist(), right.tolist(), means.tolist(), strict=True)
        return cls(squares / flat.size, tuple(Bin(i / bins, (i + 1) / bins, *row) for i, row in enumerate(rows)))

    def error(self, least: float = 0.0) -> float:
        """Expected calibration error (Naeini et al. 2015) over the bins that begin at `least` or above; 0 without
        pairs."""
        chosen = [b for b in self.bins if b.low >= least]
        pairs = sum(b.pairs for b in chosen)
        return sum(b.pairs * b.error for b in chosen) / pairs if pairs else 0.0

    @property
    def measures(self) -> dict[str, float]:
        return {
            "brier_score": self.brier,
            "calibration_error": self.error(),
            "calibration_error_of_candidates": self.error(CANDIDATE),
        }
