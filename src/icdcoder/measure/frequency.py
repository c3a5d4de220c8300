"""Measures by how often a code was seen in training: where a long tail is lost, and whether knowledge helps it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icdcoder.core.errors import InputError
from icdcoder.measure.counts import Counts

# Lowest and highest training count of each band; the last is open.
BANDS: tuple[tuple[int, int | None], ...] = ((0, 0), (1, 2), (3, 8), (9, 50), (51, None))


@dataclass(frozen=True)
class Band:
    """Codes with `low` to `high` training notes (None: no upper end), and the pairs of this split that are theirs.

    macro_f1_mean_of_codes_present: over the band's codes that are gold here; None where there is none.
    """

    low: int
    high: int | None
    codes: int
    codes_present: int
    gold: int
    accepted: int
    correct: int
    macro_f1_mean_of_codes_present: float | None

    @property
    def label(self) -> str:
        if self.high is None:
            return f"> {self.low - 1}"
        return str(self.low) if self.low == self.high else f"{self.low}–{self.high}"

    @property
    def micro(self) -> Counts:
        return Counts(*(np.asarray(number) for number in (self.gold, self.accepted, self.correct)))


def by_training_frequency(counts: Counts, training: npt.NDArray[np.integer]) -> tuple[Band, ...]:
    """One band a row of BANDS, empty ones too. counts: per code. training: training notes of each code.

    Raises InputError where the two do not speak of the same number of codes.
    """
    if training.shape != counts.gold.shape:
        raise InputError(f"{len(training)} training counts were given for {len(counts.gold)} codes.")
    return tuple(_band(counts, training, low, high) for low, high in BANDS)


def _band(counts: Counts, training: npt.NDArray[np.integer], low: int, high: int | None) -> Band:
    inside = (training >= low) & (training <= (np.inf if high is None else high))
    own = counts.where(inside)
    present = own.where(own.gold > 0)
    total = own.pooled
    return Band(
        low=low,
        high=high,
        codes=len(own.gold),
        codes_present=len(present.gold),
        gold=int(total.gold),
        accepted=int(total.accepted),
        correct=int(total.correct),
        macro_f1_mean_of_codes_present=float(present.f1.mean()) if len(present.gold) else None,
    )
