"""Gradient-boosted trees for yes-or-no questions, in numpy: fitted in seconds, a few hundred kilobytes, no pickle.

Friedman 2001 and 2002 (stochastic: each tree sees a share of the rows and columns), with the second-order leaves and
histogram splits of Chen and Guestrin 2016, and, as Ke et al. 2017, fewer of the rows that are all but settled, which
then count for more. Trees are complete to one depth; a node that is not split sends all rows to its left child.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 48
_LEAST_GAIN = 1e-6


@dataclass(frozen=True, slots=True)
class Boosting:
    """How trees are grown.

    smallest: the second derivatives in a leaf add up to this at least: four rows where yes and no are as likely, twenty
    where yes is one in twenty. rows, columns: shares that a tree sees. unsettled: rows whose error is greater are all
    of these; of the others a tree sees the share `settled` of them, and counts each so much more.
    """

    trees: int = 120
    depth: int = 4
    rate: float = 0.07
    smallest: float = 1.0
    penalty: float = 4.0
    rows: float = 0.7
    columns: float = 0.6
    unsettled: float = 0.05
    settled: float = 0.25


@dataclass(frozen=True, eq=False)
class Forest:
    """feature, threshold: "tree inner node"; value: "tree leaf"; a row goes right where it is > threshold.

    base: log-odds before the first tree.
    """

    base: float
    feature: npt.NDArray[np.int16]
    threshold: npt.NDArray[np.float32]
    value: npt.NDArray[np.float32]

    def log_odds(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """One number a row of "row feature"."""
        trees = np.arange(len(self.value))
        node = np.zeros((len(rows), len(self.value)), dtype=np.int64)
        which = np.arange(len(rows))[:, None]
        inner = self.feature.shape[1]
        while inner and node.size and node[0, 0] < inner:
            right = rows[which, self.feature[trees, node]] > self.threshold[trees, node]
            node = 2 * node + 1 + right
        return self.base + self.value[trees, node - inner].sum(axis=1, dtype=np.float64)

    def probabilities(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        return sigmoid(self.log_odds(rows))

    def arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        return {
            f"{name}.base": np.array([self.base]),
            f"{name}.feature": self.feature,
            f"{name}.threshold": self.threshold,
            f"{name}.value": self.value,
        }

    @classmethod
    def of(cls, arrays: dict[str, npt.NDArray[Any]], name: str) -> Forest:
        parts = (arrays[f"{name}.{part}"] for part in ("feature", "threshold", "value"))
        return cls(float(arrays[f"{name}.base"][0]), *parts)


def sigmoid(log_odds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))


def fit(
    rows: npt.NDArray[np.float32], right: npt.NDArray[np.bool_], how: Boosting | None = None, seed: int = 0
) -> Forest:
    """Trees that minimise the log loss of `right`. The same rows and seed give the same trees."""
    how = how or Boosting()
    edges = [_edges(rows[:, column]) for column in range(rows.shape[1])]
    bins = np.stack([np.searchsorted(e, rows[:, c], "left") for c, e in enumerate(edges)]).astype(np.uint8)
    random = np.random.default_rng(seed)
    share_right = float(np.clip(right.mean(), 1e-4, 1 - 1e-4))
    base = float(np.log(share_right / (1 - share_right)))
    log_odds = np.full(len(right), base)
    inner = 2**how.depth - 1
    features = np.zeros((how.trees, inner), dtype=np.int16)
    thresholds = np.full((how.trees, inner), np.inf, dtype=np.float32)
    values = np.zeros((how.trees, inner + 1), dtype=np.float32)
    for tree in range(how.trees):
        p = sigmoid(log_odds)
        share = np.where(np.abs(p - right) > how.unsettled, 1.0, how.settled)
        seen = np.flatnonzero(random.random(len(right)) < how.rows * share)
        columns = np.flatnonzero(random.random(len(edges)) < how.columns)
        grown = _Tree(bins, edges, (p - right) / share, p * (1 - p) / share, how)
        leaf = grown.grow(seen, columns)
        features[tree], thresholds[tree], values[tree] = grown.feature, grown.threshold, grown.value
        log_odds += grown.value[leaf]
    return Forest(base, features, thresholds, values)


def mean(forests: Sequence[Forest]) -> Forest:
    """One whose log-odds are the mean of theirs; it varies less than each of them."""
    return Forest(
        sum(forest.base for forest in forests) / len(forests),
        np.concatenate([forest.feature for forest in forests]),
        np.concatenate([forest.threshold for forest in forests]),
        np.concatenate([forest.value for forest in forests]) / np.float32(len(forests)),
    )


def _edges(column: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Bounds of the bins, at most BINS - 1: rows in bin b have edges[b-1] < value ≤ edges[b]."""
    values = np.unique(column)
    if len(values) > BINS:
        values = np.unique(np.quantile(values, np.linspace(0, 1, BINS), method="lower"))
    return values[:-1]


class _Tree:
    """One tree in the making, over binned rows."""

    def __init__(
        self,
        bins: npt.NDArray[np.uint8],
        edges: list[npt.NDArray[np.float32]],
        slope: npt.NDArray[np.float64],
        curve: npt.NDArray[np.float64],
        how: Boosting,
    ) -> None:
        self.bins, self.edges, self.slope, self.curve, self.how = bins, edges, slope, curve, how
        inner = 2**how.depth - 1
        self.feature = np.zeros(inner, dtype=np.int16)
        self.threshold = np.full(inner, np.inf, dtype=np.float32)
        self.value = np.zeros(inner + 1, dtype=np.float32)
        self._cut = np.full(inner, BINS, dtype=np.int64)

    def grow(self, seen: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Splits level by level on the rows `seen`, sets the leaves, and returns the leaf of every row."""
        place = np.zeros(self.bins.shape[1], dtype=np.int64)
        every = np.arange(len(place))
        columns = np.array([c for c in columns.tolist() if len(self.edges[c])], dtype=np.int64)
        own = self.bins[columns[:, None], seen]
        slope, curve = self.slope[seen], self.curve[seen]
        sums = np.zeros((2, len(columns), 0, BINS))
        for level in range(self.how.depth):
            width = 2**level
            if len(columns):
                sums = _sums(own, (slope, curve), place[seen], sums)
                self._split(columns, sums.cumsum(axis=3), width)
            nodes = place + width - 1
            place = 2 * place + (self.bins[self.feature[nodes], every] > self._cut[nodes])
        leaves = len(self.value)
        slope, curve = (np.bincount(place[seen], values, leaves) for values in (slope, curve))
        self.value[:] = -self.how.rate * slope / (curve + self.how.penalty)
        return place

    def _split(self, columns: npt.NDArray[np.int64], running: npt.NDArray[np.float64], width: int) -> None:
        """Chooses for each of the `width` nodes of a level the best column and cut, where one is worth it.

        running: sums up to each bin, "slope|curve column node bin".
        """
        gain = self._gain(*running)
        cuts = gain.argmax(axis=2)
        gained = np.take_along_axis(gain, cuts[..., None], axis=2)[..., 0]
        best = gained.argmax(axis=0)
        for node in np.flatnonzero(gained.max(axis=0) > _LEAST_GAIN).tolist():
            column, cut = int(columns[best[node]]), int(cuts[best[node], node])
            self.feature[width - 1 + node] = column
            self._cut[width - 1 + node] = cut
            self.threshold[width - 1 + node] = self.edges[column][min(cut, len(self.edges[column]) - 1)]

    def _gain(self, slope: npt.NDArray[np.float64], curve: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What each cut of each node gains; -inf where a side would be too small. Arguments: running
        "column node bin"."""
        penalty, smallest = self.how.penalty, self.how.smallest
        whole = slope[..., -1:] ** 2 / (curve[..., -1:] + penalty)
        left = slope**2 / (curve + penalty)
        right = (slope[..., -1:] - slope) ** 2 / (curve[..., -1:] - curve + penalty)
        small = (curve < smallest) | (curve[..., -1:] - curve < smallest)
        return np.where(small, -np.inf, left + right - whole)


def _sums(
    own: npt.NDArray[np.uint8],
    weights: tuple[npt.NDArray[np.float64], ...],
    place: npt.NDArray[np.int64],
    above: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """What each bin of each node adds up to, "weight column node bin".

    own: "column row". place: the node of each row. above: the sums of the level above, without nodes at the root. Of
    two children only the one with fewer rows is counted; what is left of the parent is the other's.
    """
    parents = above.shape[2]
    if not parents:
        return _histograms(own, weights, np.zeros_like(place), 1)
    rows = np.bincount(place, minlength=2 * parents).reshape(parents, 2)
    smaller = rows.argmin(axis=1)
    parent = place >> 1
    counted = np.flatnonzero((place & 1) == smaller[parent])
    few = _histograms(own[:, counted], tuple(w[counted] for w in weights), parent[counted], parents)
    both = np.stack([few, above - few], axis=3)
    swapped = np.flatnonzero(smaller)
    both[:, :, swapped] = both[:, :, swapped, ::-1]
    return both.reshape(*above.shape[:2], 2 * parents, BINS)


def _histograms(
    own: npt.NDArray[np.uint8],
    weights: tuple[npt.NDArray[np.float64], ...],
    node: npt.NDArray[np.int64],
    nodes: int,
) -> npt.NDArray[np.float64]:
    columns = len(own)
    cells = (own + (node * BINS + np.arange(columns)[:, None] * (nodes * BINS))).ravel()
    size = columns * nodes * BINS
    sums = (np.bincount(cells, np.broadcast_to(w, own.shape).ravel(), size) for w in weights)
    return np.stack([own_sums.reshape(columns, nodes, BINS) for own_sums in sums]).astype(np.float64, copy=False)
