"""Which codes a note has *together*: the second decision, over sets of codes instead of one code after the other.

Where a corpus gives the same combinations again and again, a set that no note had is less likely than the odds of its
codes say, and a note without any code may not occur at all. Sets of a note's candidates compete in one conditional
logistic regression (McFadden 1974),

    P(S | note) ∝ exp(w · x(S)),   x(S) as in NAMES,

fitted on sets that were counted in other notes; a code's probability is the sum over the sets that hold it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code

NAMES: tuple[str, ...] = (
    "log_odds",  # of its codes, summed
    "times_given",  # log(training notes with just these codes + UNSEEN)
    "never_given",
    "codes",  # how many
    "empty",
)
# Every subset of so many of the likeliest candidates is weighed, beside the sets of the training notes.
LIKELIEST = 7
# A training note's set is weighed where all of its codes are candidates at least so likely.
FLOOR = 0.003
UNSEEN = 0.1
# Below this share of notes that have just the codes of another note too, sets are no matter of counting.
REPEATED = 0.5
_ROUNDS = 15
_SMALLEST = 1e-6
_SUBSETS = (np.arange(2**LIKELIEST)[:, None] >> np.arange(LIKELIEST)) & 1 > 0


@dataclass(frozen=True, eq=False)
class Weighed:
    """The sets of one note. members: "set candidate". values: "set feature", in the order of NAMES."""

    members: npt.NDArray[np.bool_]
    values: npt.NDArray[np.float64]

    def log_odds(self, weights: npt.NDArray[np.float64], alone: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Of each candidate, from the sets that hold it and those that do not; `alone` where no set holds it."""
        p = self.share(weights) @ self.members
        p = np.clip(p, _SMALLEST, 1 - _SMALLEST)
        return np.where(self.members.any(axis=0), np.log(p / (1 - p)), alone)

    def share(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The probability of each set."""
        score = self.values @ weights
        likely = np.exp(score - score.max())
        return likely / likely.sum()


def repeated(sets: Sequence[frozenset[Code]]) -> bool:
    """Whether a corpus gives the same sets often enough to count them. sets: of each note."""
    times = Counter(sets)
    return sum(count for count in times.values() if count > 1) >= REPEATED * max(1, len(sets))


def weigh(codes: Sequence[Code], log_odds: npt.NDArray[np.float64], given: Mapping[frozenset[Code], int]) -> Weighed:
    """The sets that come into question for a note. codes, log_odds: of its candidates. given: in how many training
    notes each set is all the codes."""
    best = np.argsort(-log_odds, kind="stable")[:LIKELIEST]
    subsets = _SUBSETS[: 2 ** len(best), : len(best)]
    sets = dict.fromkeys(frozenset(compress(best.tolist(), chosen)) for chosen in subsets.tolist())
    likely = np.log(FLOOR / (1 - FLOOR))
    place = {code: i for i, code in enumerate(codes) if log_odds[i] > likely}
    sets |= dict.fromkeys(frozenset(map(place.__getitem__, own)) for own in given if place.keys() >= own)
    members = np.zeros((len(sets), len(codes)), dtype=np.bool_)
    for row, chosen in zip(members, sets, strict=True):
        row[list(chosen)] = True
    times = np.array([given.get(frozenset(codes[i] for i in chosen), 0) for chosen in sets], dtype=np.float64)
    size = members.sum(axis=1)
    columns = (members @ log_odds, np.log(times + UNSEEN), times == 0, size, size == 0)
    return Weighed(members, np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1))


def fit(
    notes: Sequence[Weighed], gold: Sequence[npt.NDArray[np.bool_]], penalty: float = 0.5
) -> npt.NDArray[np.float64]:
    """One weight a feature: Newton's method on the penalised likelihood of the gold sets, drawn towards the codes' own
    odds. gold: which candidates of each note are right; a note whose right set is not weighed says nothing."""
    alone = np.eye(len(NAMES))[0]
    said = [(one.values, int(at[0])) for one, truth in zip(notes, gold, strict=True) if len(at := _same(one, truth))]
    weights = alone
    for _ in range(_ROUNDS):
        slope = -penalty * (weights - alone)
        curve = penalty * np.eye(len(NAMES))
        for values, right in said:
            score = values @ weights
            share = np.exp(score - score.max())
            share /= share.sum()
            mean = share @ values
            slope += values[right] - mean
            curve += (values * share[:, None]).T @ values - np.outer(mean, mean)
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-4:
            break
    return weights


def _same(one: Weighed, truth: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    return np.flatnonzero((one.members == truth).all(axis=1))
