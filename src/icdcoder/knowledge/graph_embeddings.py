"""Vectors of the nodes of a graph of codes: trained on its relations, or read from the user's file.

TransE: Bordes et al., "Translating Embeddings for Modeling Multi-relational Data", NIPS 2013. A relation r is a vector,
and head + r should lie nearer to tail, by a margin, than where head or tail is another node. In numpy, since the
libraries for it bring a framework of their own, and the graphs of codes are small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core import text_file
from icdcoder.core.code import Code
from icdcoder.core.errors import InputError

Vectors = npt.NDArray[np.float32]
MARGIN = 1.0
BATCH = 2_048


def train(
    triples: Sequence[tuple[int, int, int]],
    nodes: int,
    width: int,
    *,
    epochs: int = 30,
    rate: float = 0.05,
    seed: int = 0,
) -> Vectors:
    """One vector of length 1 for each of `nodes`, "node width". triples: (head, relation, tail), numbered from 0."""
    random = np.random.default_rng(seed)
    bound = 6 / np.sqrt(width)
    vectors = _unit(random.uniform(-bound, bound, (nodes, width)).astype(np.float32))
    if not triples:
        return vectors
    every = np.array(triples, dtype=np.int64)
    relations = _unit(random.uniform(-bound, bound, (int(every[:, 1].max()) + 1, width)).astype(np.float32))
    for _ in range(epochs):
        order = random.permutation(len(every))
        for start in range(0, len(every), BATCH):
            _step(vectors, relations, every[order[start : start + BATCH]], rate, random)
        vectors = _unit(vectors)
    return vectors


def read(path: Path, *, unit: bool = True) -> Mapping[str, Vectors]:
    """{name: its vector} of a text file: on each line a name, a tab, and numbers with spaces between them. unit: scaled
    to length 1.

    Raises InputError that names the line where it is malformed or has another number of numbers than the first.
    """
    lines = text_file.read(path).splitlines()
    found: dict[str, Vectors] = {}
    width = None
    for number, line in enumerate(lines, start=1):
        name, _, numbers = line.partition("\t")
        try:
            vector = np.array(numbers.split(), dtype=np.float32)
        except ValueError:
            vector = np.zeros(0, dtype=np.float32)
        width = len(vector) if width is None else width
        if not name or not width or len(vector) != width or not np.isfinite(vector).all():
            raise InputError(f"{path}, line {number}: it should be a name, a tab and {width or 'some'} finite numbers.")
        found[name] = _unit(vector[None])[0] if unit else vector
    return found


def by_code(path: Path, names: Path) -> Mapping[str, Vectors]:
    """{code: its vector} of vectors that go by other names, such as Wikidata's numbers. names: a text file of lines
    "Q41861<TAB>icd9cm:401.9"; of several names of a code, the first that has a vector counts.

    Raises InputError for a malformed line.
    """
    given = read(path)
    lines = text_file.read(names).splitlines()
    found: dict[str, Vectors] = {}
    for number, line in enumerate(lines, start=1):
        name, _, code = (part.strip() for part in line.partition("\t"))
        if not line.strip():
            continue
        if not name or not code:
            raise InputError(f"{names}, line {number}: it should be the name of a vector, a tab and a code.")
        if name in given:
            found.setdefault(str(Code.parse(code)), given[name])
    return found


def _step(
    vectors: Vectors, relations: Vectors, triples: npt.NDArray[np.int64], rate: float, random: np.random.Generator
) -> None:
    head, relation, tail = triples.T
    other = random.integers(0, len(vectors), len(triples))
    at_head = random.random(len(triples)) < 0.5
    wrong_head, wrong_tail = np.where(at_head, other, head), np.where(at_head, tail, other)
    right = vectors[head] + relations[relation] - vectors[tail]
    wrong = vectors[wrong_head] + relations[relation] - vectors[wrong_tail]
    violated = MARGIN + np.square(right).sum(1) > np.square(wrong).sum(1)
    right, wrong = right * (rate * violated[:, None]), wrong * (rate * violated[:, None])
    for index, change in ((head, -right), (tail, right), (wrong_head, wrong), (wrong_tail, -wrong)):
        add_rows(vectors, index, change)
    add_rows(relations, relation, wrong - right)


def add_rows(rows: npt.NDArray[Any], index: npt.NDArray[np.int64], change: npt.NDArray[Any]) -> None:
    """rows[index] += change, where an index may occur more than once; numpy's own `add.at` is 20 times slower."""
    order = np.argsort(index, kind="stable")
    places, starts = np.unique(index[order], return_index=True)
    rows[places] += np.add.reduceat(change[order], starts)


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
