"""The linear coder of the ranker: regularised least squares over TF-IDF, kept as weights of the training notes.

For unit TF-IDF vectors x of one- and two-word terms (sublinear counts) and gold y, the weights of code ℓ are
Σ_i a_iℓ x_i with A = (K + λI)⁻¹ Y, K_ij = x_i · x_j (Rifkin, Yeo and Poggio 2003). For hundreds of notes and thousands
of codes this form is the small one: notes × codes instead of terms × codes. A note may be read in several ways
("views"), each of which weighs as much as the others. With pairs, K is (K + K²) / 2: what two terms say together is
learnt too (a polynomial kernel).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.predictors.ranking.windows import windows

# More training notes than these would make the system of equations large; then a sample is taken.
MOST_NOTES = 6000
_TERM_WORDS = 2
_BLOCK = 4096  # terms
_PARTS = ("keys", "rarity", "row", "term", "weight", "coefficients")
# The same word is another term in another view.
_NEXT_VIEW = 0x9E3779B97F4A7C15
Views = Sequence[list[str]]


@dataclass(frozen=True, eq=False)
class SimilarNotes:
    """keys, rarity: "term". row, term, weight: the training notes' vectors, entry by entry. notes: how many.

    coefficients: "note code". pairs: whether pairs of terms count.
    """

    keys: npt.NDArray[np.uint64]
    rarity: npt.NDArray[np.float32]
    row: npt.NDArray[np.int32]
    term: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float32]
    notes: int
    coefficients: npt.NDArray[np.float32]
    pairs: bool = False

    @classmethod
    def fit(
        cls,
        words: Sequence[Views],
        gold: npt.NDArray[np.bool_],
        penalty: float = 1.0,
        seed: int = 0,
        *,
        rare_terms_count: bool = True,
        pairs: bool = False,
    ) -> SimilarNotes:
        """words: of each view of each training note, "" for breaks. gold: "note code". rare_terms_count: for more than
        others."""
        if len(words) > MOST_NOTES:
            kept = np.sort(np.random.default_rng(seed).choice(len(words), MOST_NOTES, replace=False))
            words, gold = [words[i] for i in kept], gold[kept]
        terms = [_viewed(views) for views in words]
        keys, notes = np.unique(np.concatenate([found for note in terms for found, _ in note]), return_counts=True)
        keys, notes = keys[notes > 1], notes[notes > 1]
        rarity = (np.log((1 + len(words)) / (1 + notes)) + 1).astype(np.float32)
        rarity = rarity if rare_terms_count else np.ones_like(rarity)
        vectors = [_vector(keys, rarity, note) for note in terms]
        row = np.repeat(np.arange(len(words), dtype=np.int32), [len(place) for place, _ in vectors])
        term, weight = (np.concatenate(parts) for parts in zip(*vectors, strict=True))
        made = cls(keys, rarity, row, term, weight, len(words), np.zeros((0, 0), np.float32), pairs)
        kernel = made._alike(made._kernel())
        kernel[np.diag_indices_from(kernel)] += penalty
        solved = np.linalg.solve(kernel, gold.astype(np.float64))
        return replace(made, coefficients=solved.astype(np.float32))

    def scores(self, words: Views) -> npt.NDArray[np.float32]:
        """One number a code, near 1 for codes of much the same notes, near 0 for the others. words: of each view."""
        products = self._products(*_vector(self.keys, self.rarity, _viewed(words)))
        return self._alike(products) @ self.coefficients

    def _alike(self, products: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return (products + products * products) / 2 if self.pairs else products

    def _products(self, place: npt.NDArray[np.int32], values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        vector = np.zeros(len(self.keys), dtype=np.float32)
        vector[place] = values
        return np.bincount(self.row, self.weight * vector[self.term], self.notes).astype(np.float32)

    def _kernel(self) -> npt.NDArray[np.float64]:
        """ "note note": products of the training notes' vectors, over blocks of terms that are dense meanwhile."""
        order = np.argsort(self.term, kind="stable")
        row, term, weight = self.row[order], self.term[order], self.weight[order]
        kernel = np.zeros((self.notes, self.notes))
        for start in range(0, len(self.keys), _BLOCK):
            own = slice(*np.searchsorted(term, [start, start + _BLOCK]))
            dense = np.zeros((self.notes, _BLOCK), dtype=np.float32)
            dense[row[own], term[own] - start] = weight[own]
            kernel += dense @ dense.T
        return kernel

    def arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        return {**{f"{name}.{part}": getattr(self, part) for part in _PARTS}, f"{name}.pairs": np.array(self.pairs)}

    @classmethod
    def of(cls, arrays: dict[str, npt.NDArray[Any]], name: str) -> SimilarNotes:
        keys, rarity, row, term, weight, coefficients = (arrays[f"{name}.{part}"] for part in _PARTS)
        return cls(keys, rarity, row, term, weight, len(coefficients), coefficients, bool(arrays[f"{name}.pairs"]))


@lru_cache(maxsize=4 * MOST_NOTES)
def _terms(words: tuple[str, ...]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """(terms, how often), kept because every fold of a fit asks for them again."""
    return np.unique(windows(list(words), _TERM_WORDS).keys, return_counts=True)


def _viewed(words: Views) -> list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]]:
    """(terms, how often) of each view."""
    found = []
    for number, view in enumerate(words):
        terms, counts = _terms(tuple(view))
        found.append((terms ^ np.uint64(number * _NEXT_VIEW % 2**64), counts))
    return found


def _vector(
    keys: npt.NDArray[np.uint64],
    rarity: npt.NDArray[np.float32],
    views: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """(terms, weights) of one note, all views of the same length, together of length 1."""
    places, weights = [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
    for found, counts in views if len(keys) else ():
        place = np.minimum(np.searchsorted(keys, found), len(keys) - 1)
        known = keys[place] == found
        place = place[known]
        values = (1 + np.log(counts[known])) * rarity[place]
        length = float(np.sqrt((values**2).sum() * len(views))) or 1.0
        places.append(place.astype(np.int32))
        weights.append((values / length).astype(np.float32))
    return np.concatenate(places), np.concatenate(weights)
