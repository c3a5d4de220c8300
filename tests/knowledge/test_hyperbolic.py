from __future__ import annotations

import numpy as np

from icdcoder.knowledge import hyperbolic

EDGES = [(f"{branch}{leaf}", f"{branch}") for branch in "abcd" for leaf in range(6)] + [(b, "") for b in "abcd"]


def test_children_lie_near_their_parents_and_deeper_than_they() -> None:
    points = hyperbolic.embed(EDGES, 5, epochs=120, seed=1)
    norms = {name: np.linalg.norm(point) for name, point in points.items()}
    assert max(norms.values()) < 1
    leaves = [name for name in points if len(name) == 2]
    assert np.mean([norms[name] for name in leaves]) > np.mean([norms[b] for b in "abcd"]) > norms[""]
    right = 0
    for leaf in leaves:
        near = min(
            "abcd", key=lambda b: float(hyperbolic.distance(points[leaf].astype(float), points[b].astype(float)))
        )
        right += near == leaf[0]
    assert right >= 0.9 * len(leaves)


def test_the_gradient_is_that_of_the_distance() -> None:
    random = np.random.default_rng(0)
    at, to = random.uniform(-0.4, 0.4, (2, 7, 3))
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-6
        slope = (hyperbolic.distance(at + step, to) - hyperbolic.distance(at - step, to)) / 2e-6
        np.testing.assert_allclose(hyperbolic._gradient(at, to)[:, axis], slope, rtol=1e-5)


def test_the_same_seed_gives_the_same_points_and_no_edges_give_none() -> None:
    one, two = (hyperbolic.embed(EDGES, 3, epochs=2, seed=4) for _ in range(2))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert hyperbolic.embed([], 3) == {}
