"""The sets of codes that training notes have, codes by their number in the columns of a "note code" matrix of gold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

# The linear coders learn so many sets as if they were codes: the most frequent of those that several notes have.
MOST_SETS = 400


@dataclass(frozen=True, eq=False)
class GivenSets:
    """times: how many notes have just these codes. codes: how many there are."""

    times: dict[tuple[int, ...], int]
    codes: int

    @classmethod
    def of(cls, gold: npt.NDArray[np.bool_]) -> GivenSets:
        return cls(dict(Counter(map(_numbers, gold))), gold.shape[1])

    @cached_property
    def frequent(self) -> list[tuple[int, ...]]:
        """The sets that several notes have, the most frequent first."""
        several = [(own, count) for own, count in self.times.items() if count > 1]
        return [own for own, _ in sorted(several, key=lambda one: (-one[1], one[0]))[:MOST_SETS]]

    def columns(self, gold: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """ "note set": which notes have just the codes of a frequent set."""
        place = {own: i for i, own in enumerate(self.frequent)}
        same = np.zeros((len(gold), len(place)), dtype=np.bool_)
        for row, own in zip(same, map(_numbers, gold), strict=True):
            if own in place:
                row[place[own]] = True
        return same

    def by_code(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """ "code 3" from a score of each frequent set: the best of the sets that hold the code, the best of the others,
        and the sum of those that hold it; negative scores count as 0."""
        if not len(scores):
            return np.zeros((self.codes, 3))
        own = np.maximum(scores, 0.0)[:, None].astype(np.float64)
        held = own * self._members
        return np.stack([held.max(axis=0), (own * ~self._members).max(axis=0), held.sum(axis=0)], axis=1)

    @cached_property
    def _members(self) -> npt.NDArray[np.bool_]:
        """ "set code" of the frequent sets."""
        members = np.zeros((len(self.frequent), self.codes), dtype=np.bool_)
        for row, own in zip(members, self.frequent, strict=True):
            row[list(own)] = True
        return members


def _numbers(row: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(row).tolist())
