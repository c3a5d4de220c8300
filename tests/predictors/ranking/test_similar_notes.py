from __future__ import annotations

import numpy as np
import pytest

from icdcoder.predictors.ranking.similar_notes import SimilarNotes
from icdcoder.predictors.ranking.windows import windows

NOTES: list[str] = [
    "heart failure edema",
    "heart failure dyspnea",
    "hip fracture fall",
    "hip fracture pain",
    "heart pain",
]
GOLD = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 0]], dtype=np.bool_)


def fitted() -> SimilarNotes:
    return SimilarNotes.fit([[note.split()] for note in NOTES], GOLD, penalty=0.5)


def test_a_note_like_those_of_a_code_scores_high_for_it() -> None:
    heart, hip = fitted().scores([["failure", "heart"]])
    assert heart > 0.5 > hip


def test_the_scores_are_those_of_regularised_least_squares_in_the_terms() -> None:
    """The primal solution (X'X + λI)⁻¹ X'Y over vectors made here by the formula."""
    counts = [np.unique(windows(note.split(), 2).keys, return_counts=True) for note in NOTES]
    keys, notes = np.unique(np.concatenate([k for k, _ in counts]), return_counts=True)
    keys, notes = keys[notes > 1], notes[notes > 1]
    rarity = np.log((1 + len(NOTES)) / (1 + notes)) + 1
    X = np.zeros((len(NOTES), len(keys)))
    for row, (found, times) in zip(X, counts, strict=True):
        for key, count in zip(found, times, strict=True):
            row[keys == key] = (1 + np.log(count)) * rarity[keys == key]
        row /= np.linalg.norm(row)
    W = np.linalg.solve(X.T @ X + 0.5 * np.eye(len(keys)), X.T @ GOLD)
    for note, row in zip(NOTES, X, strict=True):
        np.testing.assert_allclose(fitted().scores([note.split()]), row @ W, atol=1e-5)


@pytest.mark.parametrize("words", [[], [""], ["unheard"]])
def test_a_note_of_unknown_words_scores_zero(words: list[str]) -> None:
    assert not fitted().scores([words]).any()


def test_arrays_hold_the_whole_coder() -> None:
    again = SimilarNotes.of(fitted().arrays("s"), "s")
    np.testing.assert_array_equal(again.scores([["hip"]]), fitted().scores([["hip"]]))


def test_views_weigh_alike_and_keep_their_words_apart() -> None:
    """The kernel of two views is the mean of their kernels, whatever their lengths."""
    first: list[list[str]] = [note.split() for note in NOTES]
    second: list[list[str]] = [["hip", "", "sore"], ["hip", "", "sore"], ["sore"], ["toe"], ["toe"]]
    both = SimilarNotes.fit([list(pair) for pair in zip(first, second, strict=True)], GOLD)
    alone = [SimilarNotes.fit([[words] for words in view], GOLD)._kernel() for view in (first, second)]
    np.testing.assert_allclose(both._kernel(), sum(alone) / 2, atol=1e-6)


def test_pairs_of_terms_tell_apart_what_terms_alone_do_not() -> None:
    """An exclusive or of two words."""
    notes = [["no"], ["no"], ["fever"], ["fever"], ["pain"], ["pain"], ["fever", "", "pain"], ["pain", "", "fever"]]
    gold = np.array([[0], [0], [1], [1], [1], [1], [0], [0]], dtype=np.bool_)
    fit = {pairs: SimilarNotes.fit([[n] for n in notes], gold, 0.01, pairs=pairs) for pairs in (False, True)}
    margin = {
        pairs: float(coder.scores([["fever"]])[0] - coder.scores([["fever", "", "pain"]])[0])
        for pairs, coder in fit.items()
    }
    assert margin[True] > 0.5 > margin[False]
    again = SimilarNotes.of(fit[True].arrays("s"), "s")
    np.testing.assert_array_equal(again.scores([["fever"]]), fit[True].scores([["fever"]]))
