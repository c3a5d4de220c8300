"""Gold, accepted and correct: the three counts on which precision, recall, F1 and the Jaccard index rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icdcoder.measure.matrices import Counted, Flags, as_flags, same_shape

# So many rows of 0 or 1 fit an eight-bit sum, and such sums run at the speed of memory.
ROWS_IN_A_BYTE = 255


@dataclass(frozen=True)
class Counts:
    """One entry a code (or a note): pairs that are gold, that were accepted, and that are both (true positives).

    Every ratio is 0 where its denominator is 0: a code that is never accepted has precision 0, not a gap.
    """

    gold: Counted
    accepted: Counted
    correct: Counted

    @classmethod
    def of(cls, gold: npt.ArrayLike, accepted: npt.ArrayLike, *, per: Literal["code", "note"] = "code") -> Counts:
        """From two "note code" matrices of True and False. Raises InputError where their shapes differ."""
        truth, taken = as_flags(gold, "gold"), as_flags(accepted, "accepted")
        same_shape(truth, taken, "accepted")
        sums = _by_code if per == "code" else _by_note
        return cls(sums(truth), sums(taken), sums(truth & taken))

    @property
    def pooled(self) -> Counts:
        """The three sums, from which micro averages follow."""
        return Counts(*(np.asarray(array.sum()) for array in (self.gold, self.accepted, self.correct)))

    def where(self, chosen: Flags) -> Counts:
        return Counts(self.gold[chosen], self.accepted[chosen], self.correct[chosen])

    @property
    def precision(self) -> npt.NDArray[np.float64]:
        return ratio(self.correct, self.accepted)

    @property
    def recall(self) -> npt.NDArray[np.float64]:
        return ratio(self.correct, self.gold)

    @property
    def f1(self) -> npt.NDArray[np.float64]:
        return ratio(2 * self.correct, self.gold + self.accepted)

    @property
    def jaccard(self) -> npt.NDArray[np.float64]:
        return ratio(self.correct, self.gold + self.accepted - self.correct)


def ratio(above: npt.NDArray[Any], below: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """above / below, 0 where `below` is 0."""
    return np.divide(above, below, out=np.zeros(np.shape(below)), where=np.asarray(below) != 0)


def harmonic(precision: float, recall: float) -> float:
    """2PR / (P + R), 0 where both are 0."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _by_code(matrix: Flags) -> Counted:
    ones = matrix.view(np.uint8)
    total = np.zeros(matrix.shape[1], dtype=np.int64)
    for start in range(0, len(matrix), ROWS_IN_A_BYTE):
        total += np.add.reduce(ones[start : start + ROWS_IN_A_BYTE], axis=0, dtype=np.uint8)
    return total


def _by_note(matrix: Flags) -> Counted:
    return np.fromiter(map(np.count_nonzero, matrix), dtype=np.int64, count=len(matrix))
