"""How sure a figure is: spread over seeds, and bootstrap intervals over patients."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icdcoder.core.errors import InputError
from icdcoder.measure.counts import Counts, ratio

RESAMPLES = 2000
# Draws that are held in memory together.
DRAWS = 1 << 21


@dataclass(frozen=True)
class Spread:
    """Repeats of one figure. half: half the width of the Student-t interval of the mean; sd and half are NaN for
    one repeat, from which no spread can be told."""

    mean: float
    sd: float
    half: float
    repeats: int


def spread(values: Sequence[float], level: float = 0.95) -> Spread:
    """Mean, standard deviation (n - 1) and interval of independent repeats. Raises InputError for none."""
    if not len(values):
        raise InputError("A mean needs one value at least.")
    n, mean = len(values), math.fsum(values) / len(values)
    if n == 1:
        return Spread(mean, math.nan, math.nan, 1)
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    return Spread(mean, sd, student_quantile((1 + level) / 2, n - 1) * sd / math.sqrt(n), n)


def mean_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """(mean, half the width of its interval), as in "0.571 ± 0.012"."""
    result = spread(values, level)
    return result.mean, result.half


def student_quantile(p: float, freedom: int) -> float:
    """The quantile of Student's t for 0.5 ≤ p < 1, by bisection of its distribution function."""
    low, high = 0.0, 1.0
    while student_cdf(high, freedom) < p:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, freedom) < p else (low, middle)
    return high


def student_cdf(t: float, freedom: int) -> float:
    """Student's distribution function for whole degrees of freedom (finite series, Abramowitz & Stegun 26.7.3-4)."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for k in range(1 + odd, freedom, 2):
        total += term
        term *= square * k / (k + 1)
    between = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return 0.5 + between / 2


@dataclass(frozen=True)
class Interval:
    """value: on the data as they are. low, high: percentiles over the resamples."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """Paired: both systems are measured on the same resamples. not_better: share of resamples in which the first
    system is no better than the second."""

    value: float
    low: float
    high: float
    not_better: float


def bootstrap_micro_f1(
    gold: npt.ArrayLike,
    accepted: npt.ArrayLike,
    patients: Sequence[Hashable] | None = None,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of micro-F1 when patients are drawn anew with replacement, each with all their notes.

    patients: one a note, as notes of a patient are not independent; None takes each note for a patient of its own.
    Raises InputError where their number is not that of the notes.
    """
    counts = _by_patient(Counts.of(gold, accepted, per="note"), patients)
    values = _resampled_f1([counts], resamples, seed)[:, 0]
    return Interval(float(counts.pooled.f1), *_percentiles(values, level))


def bootstrap_difference(
    gold: npt.ArrayLike,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    patients: Sequence[Hashable] | None = None,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Micro-F1 of what `first` accepted minus that of `second`, with a paired interval over patients."""
    pair = [_by_patient(Counts.of(gold, accepted, per="note"), patients) for accepted in (first, second)]
    values = _resampled_f1(pair, resamples, seed)
    differences = values[:, 0] - values[:, 1]
    observed = float(pair[0].pooled.f1) - float(pair[1].pooled.f1)
    return Difference(observed, *_percentiles(differences, level), not_better=float((differences <= 0).mean()))


def _by_patient(notes: Counts, patients: Sequence[Hashable] | None) -> Counts:
    if patients is None:
        return notes
    if len(patients) != len(notes.gold):
        raise InputError(f"{len(patients)} patients were given for {len(notes.gold)} notes.")
    number = {patient: i for i, patient in enumerate(dict.fromkeys(patients))}
    index = np.array([number[patient] for patient in patients])
    return Counts(
        *(np.bincount(index, weights=a).astype(np.int64) for a in (notes.gold, notes.accepted, notes.correct))
    )


def _resampled_f1(systems: Sequence[Counts], resamples: int, seed: int) -> npt.NDArray[np.float64]:
    """Matrix "resample system" of micro-F1."""
    parts = []
    for drawn in _draws(len(systems[0].gold), resamples, seed):
        columns = []
        for counts in systems:
            gold, accepted, correct = (a[drawn].sum(axis=1) for a in (counts.gold, counts.accepted, counts.correct))
            columns.append(ratio(2 * correct, gold + accepted))
        parts.append(np.stack(columns, axis=1))
    return np.concatenate(parts)


def _draws(patients: int, resamples: int, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    together = max(1, DRAWS // patients)
    for start in range(0, resamples, together):
        yield rng.integers(patients, size=(min(together, resamples - start), patients))


def _percentiles(values: npt.NDArray[np.float64], level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
