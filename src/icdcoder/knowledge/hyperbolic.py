"""Poincaré embeddings of the tree of codes: the nearer to the edge of the ball, the deeper in the tree.

Nickel and Kiela, "Poincaré Embeddings for Learning Hierarchical Representations", NIPS 2017, arXiv 1705.08039:

    d(u, v) = arcosh(1 + 2 ‖u − v‖² / ((1 − ‖u‖²)(1 − ‖v‖²)))
    loss = Σ over edges (u, v) of d(u, v) + log Σ_{v' ∈ {v} ∪ negatives} exp(−d(u, v'))

by Riemannian gradient descent. In numpy: gensim, whose defaults these are, would bring a C extension and a large
library for a hundred lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from icdcoder.knowledge.graph_embeddings import add_rows

Points = npt.NDArray[np.float64]
BATCH = 64
NEGATIVES = 10
BURN_IN = 10  # epochs at a tenth of the rate, in which the points find their directions
EDGE = 1e-5  # how near to the edge of the ball a point may come
LEAST = 1e-12


def embed(
    edges: Sequence[tuple[str, str]], width: int, *, epochs: int = 50, rate: float = 0.1, seed: int = 0
) -> dict[str, npt.NDArray[np.float32]]:
    """{node: its point in the ball} of all nodes in `edges` (node, node above it), such as `hierarchy.edges` gives."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(name for edge in edges for name in edge))}
    pairs = np.array([(numbers[child], numbers[parent]) for child, parent in edges], dtype=np.int64).reshape(-1, 2)
    random = np.random.default_rng(seed)
    points = random.uniform(-1e-3, 1e-3, (len(numbers), width))
    for epoch in range(BURN_IN + epochs if len(pairs) else 0):
        order = random.permutation(len(pairs))
        for start in range(0, len(order), BATCH):
            _step(points, pairs[order[start : start + BATCH]], rate * (0.1 if epoch < BURN_IN else 1.0), random)
    return {name: points[number].astype(np.float32) for name, number in numbers.items()}


def distance(one: Points, two: Points) -> npt.NDArray[np.float64]:
    """d along the last axis."""
    room = (1 - np.square(one).sum(-1)) * (1 - np.square(two).sum(-1))
    return np.arccosh(1 + 2 * np.square(one - two).sum(-1) / room)


def _step(points: Points, pairs: npt.NDArray[np.int64], rate: float, random: np.random.Generator) -> None:
    child = pairs[:, :1]
    other = np.concatenate([pairs[:, 1:], random.integers(0, len(points), (len(pairs), NEGATIVES))], axis=1)
    useless = (other == child) | (other == pairs[:, 1:])
    useless[:, 0] = False
    at, to = points[child], points[other]
    weight = np.where(useless, 0.0, np.exp(-distance(at, to)))
    slope = -weight / weight.sum(1, keepdims=True)  # of the loss by each distance
    slope[:, 0] += 1
    of_child = (slope[..., None] * _gradient(at, to)).sum(1)
    of_other = slope[..., None] * _gradient(to, at)
    index = np.concatenate([child[:, 0], other.ravel()])
    euclidean = np.concatenate([of_child, of_other.reshape(-1, points.shape[1])])
    scale = np.square(1 - np.square(points[index]).sum(1)) / 4
    add_rows(points, index, -rate * scale[:, None] * euclidean)
    moved = np.unique(index)
    norm = np.linalg.norm(points[moved], axis=1, keepdims=True)
    points[moved] *= np.where(norm >= 1 - EDGE, (1 - EDGE) / np.maximum(norm, LEAST), 1.0)


def _gradient(at: Points, to: Points) -> Points:
    """∂ d(at, to) / ∂ at."""
    inner, outer = 1 - np.square(at).sum(-1, keepdims=True), 1 - np.square(to).sum(-1, keepdims=True)
    bent = 1 + 2 * np.square(at - to).sum(-1, keepdims=True) / (inner * outer)
    along = (np.square(to).sum(-1, keepdims=True) - 2 * (at * to).sum(-1, keepdims=True) + 1) / np.square(inner)
    return 4 / (outer * np.sqrt(np.maximum(np.square(bent) - 1, LEAST))) * (along * at - to / inner)
