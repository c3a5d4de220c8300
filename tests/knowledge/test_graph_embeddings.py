from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from icdcoder.core.errors import InputError
from icdcoder.knowledge import graph_embeddings

# Two trees of eight leaves below two nodes, 16 and 17.
TRIPLES = [(leaf, 0, 16 + leaf // 8) for leaf in range(16)]


def test_nodes_that_are_related_alike_lie_together() -> None:
    vectors = graph_embeddings.train(TRIPLES, 18, 12, epochs=200, seed=1)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    likeness = vectors[:16] @ vectors[:16].T
    same = np.equal.outer(np.arange(16) // 8, np.arange(16) // 8) & ~np.eye(16, dtype=bool)
    assert likeness[same].mean() > likeness[~same & ~np.eye(16, dtype=bool)].mean() + 0.3


def test_the_same_seed_gives_the_same_vectors_and_no_relation_gives_random_ones() -> None:
    one, two = (graph_embeddings.train(TRIPLES, 18, 5, epochs=3, seed=2) for _ in range(2))
    assert np.array_equal(one, two)
    assert graph_embeddings.train([], 3, 5).shape == (3, 5)


def test_vectors_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "vectors.tsv"
    path.write_text("icd9cm:401.9\t3 4\nicd9cm:401\t0 -2\n")
    found = graph_embeddings.read(path)
    np.testing.assert_allclose(found["icd9cm:401.9"], [0.6, 0.8])
    np.testing.assert_allclose(found["icd9cm:401"], [0, -1])


@pytest.mark.parametrize("line", ["a\t1 2 3", "a\t1 x", "a 1 2", "a\tnan 1", ""])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "vectors.tsv"
    path.write_text(f"a\t1 2\n{line}\nb\t1 2\n")
    with pytest.raises(InputError, match="line 2"):
        graph_embeddings.read(path)


def test_a_bad_line_of_names_is_named(tmp_path: Path) -> None:
    vectors, names = tmp_path / "vectors.tsv", tmp_path / "names.tsv"
    vectors.write_text("Q1\t3 4\nQ2\t0 1\n")
    names.write_text("Q3\ticd9cm:401.9\nQ1\ticd9cm:401.9\nQ2\ticd9cm:401.9\n")
    np.testing.assert_allclose(graph_embeddings.by_code(vectors, names)["icd9cm:401.9"], [0.6, 0.8])
    names.write_text("Q1 icd9cm:401.9\n")
    with pytest.raises(InputError, match="line 1"):
        graph_embeddings.by_code(vectors, names)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"vectors\.txt cannot be read: No such file"):
        graph_embeddings.read(tmp_path / "vectors.txt")
