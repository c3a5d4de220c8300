"""The ranker: candidates of a note → probabilities. Fitted on coded notes, each row by habits that have not seen it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.errors import ArtefactError
from icdcoder.predictors.dictionary.features import NAMES as DICTIONARY_NAMES
from icdcoder.predictors.ranking import context
from icdcoder.predictors.ranking.boosting import Boosting, Forest, sigmoid
from icdcoder.predictors.ranking.boosting import fit as fit_forest
from icdcoder.predictors.ranking.habits import NAMES as HABIT_NAMES
from icdcoder.predictors.ranking.habits import Coded, Habits
from icdcoder.predictors.ranking.reading import ReadNote

FOLDS = 10
# Forests are fitted on all but one of so many parts (each of several folds).
CROSSED = 5
# What is left of the dictionary's score where the note does not state the candidate, in a ranker without habits.
UNSTATED = 0.2
# Below, the dictionary has found a candidate inside a longer term and said by it ("type 2 diabetes" beside E11.22).
LEAST = 0.25


@dataclass(frozen=True, eq=False)
class Rows:
    """The candidates of one note. values: "candidate feature" for the first forest. spans: evidence, best first."""

    codes: list[Code]
    values: npt.NDArray[np.float32] = field(repr=False)
    spans: list[list[tuple[int, int]]] = field(repr=False)

    @property
    def places(self) -> list[tuple[int, int] | None]:
        return [spans[0] if spans else None for spans in self.spans]


@dataclass(frozen=True, eq=False)
class Ranker:
    """names: of the dictionary's features, in order, as they were when it was fitted. habits: None for a ranker that
    carries over to other notes."""

    names: tuple[str, ...]
    first: Forest
    second: Forest
    habits: Habits | None = None

    def rank(self, read: ReadNote) -> tuple[Rows, npt.NDArray[np.float64]]:
        """The candidates of a note, and one probability each."""
        rows = candidate_rows(read, self.habits, self.names)
        if not rows.codes:
            return rows, np.zeros(0)
        first = self.first.log_odds(rows.values)
        second = self.second.log_odds(second_look(rows, sigmoid(first), self.habits))
        together = both_looks(first, second)
        return rows, together if self.habits else held_back(rows, together, self.names)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        own = {**self.first.arrays("first"), **self.second.arrays("second")}
        return own | (self.habits.arrays() if self.habits else {})

    def card(self) -> dict[str, Any]:
        return {"names": list(self.names), "habits": self.habits.card() if self.habits else None}

    @classmethod
    def of(cls, arrays: dict[str, npt.NDArray[Any]], card: dict[str, Any]) -> Ranker:
        """Raises ArtefactError for one whose features the dictionary no longer has."""
        gone = [name for name in card["names"] if name not in DICTIONARY_NAMES]
        if gone:
            raise ArtefactError(
                f"The ranker was fitted by another version of icdcoder, whose dictionary told it {gone[0]!r}. "
                "Fit it again: icdcoder fit-ranker CONFIG."
            )
        habits = Habits.of(arrays, card["habits"]) if card["habits"] else None
        return cls(tuple(card["names"]), Forest.of(arrays, "first"), Forest.of(arrays, "second"), habits)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A ranker, and for each training note its candidates with probabilities that did not see the note."""

    ranker: Ranker
    codes: list[list[Code]]
    probabilities: list[npt.NDArray[np.float64]]


def fit(
    notes: Sequence[Coded],
    groups: Sequence[str],
    *,
    habits: bool,
    right: Callable[[Code, frozenset[Code]], bool] | None = None,
    how: Boosting | None = None,
    seed: int = 0,
) -> Fitted:
    """groups: the patient of each note; a patient is in one fold. right: when a candidate counts as gold (None: it is
    among the codes).

    The notes are cut into FOLDS. What habits say of a fold's notes is learnt from the other folds, so that the trees
    learn how far habits can be trusted on notes that they have not seen; the second forest learns from probabilities
    of first forests that have not seen the note either.
    """
    right = right or (lambda code, gold: code in gold)
    fold = folds(groups, seed)
    of_fold = (
        [Habits.fit([n for n, f in zip(notes, fold, strict=True) if f != k]) for k in range(FOLDS)] if habits else []
    )
    rows = [candidate_rows(n.read, of_fold[f] if habits else None) for n, f in zip(notes, fold, strict=True)]
    gold = [np.array([right(code, n.codes) for code in r.codes], np.bool_) for n, r in zip(notes, rows, strict=True)]
    first, first_out = _crossed([r.values for r in rows], gold, fold, how, seed)
    looks = [
        second_look(r, sigmoid(p), of_fold[f] if habits else None)
        for r, p, f in zip(rows, first_out, fold, strict=True)
    ]
    second, second_out = _crossed(looks, gold, fold, how, seed + 1)
    out = [both_looks(*pair) for pair in zip(first_out, second_out, strict=True)]
    if not habits:
        # So that no threshold is chosen for the sake of what no note states.
        out = [np.where(stated(r, DICTIONARY_NAMES), p, 0.0) for r, p in zip(rows, out, strict=True)]
    ranker = Ranker(DICTIONARY_NAMES, first, second, Habits.fit(notes) if habits else None)
    return Fitted(ranker, [r.codes for r in rows], out)


def folds(groups: Sequence[str], seed: int) -> list[int]:
    """A fold for each note, the same for notes of one group."""
    names = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(names))
    of = {names[i]: place % FOLDS for place, i in enumerate(order.tolist())}
    return [of[group] for group in groups]


def candidate_rows(read: ReadNote, habits: Habits | None, names: tuple[str, ...] = DICTIONARY_NAMES) -> Rows:
    """The dictionary's candidates and those of the habits. A feature that a candidate has not is 0."""
    column = {name: i for i, name in enumerate(DICTIONARY_NAMES)}
    kept = [column[name] for name in names]
    of = {candidate.code: i for i, candidate in enumerate(read.candidates)}
    remarks = habits.remarks(read) if habits else None
    codes = sorted(set(of) | (remarks.candidates() if remarks else set()))
    width = len(kept) + (len(HABIT_NAMES) if remarks else 0)
    values = np.zeros((len(codes), width), dtype=np.float32)
    spans = []
    for row, code in zip(values, codes, strict=True):
        own = of.get(code)
        places = []
        if own is not None:
            row[: len(kept)] = read.features[own][kept]
            places = [(m.start, m.end) for m in read.candidates[own].mentions]
        if remarks:
            row[len(kept) :] = remarks.row(code)
            places += remarks.spans(code)
        spans.append(list(dict.fromkeys(places)))
    return Rows(codes, values, spans)


def both_looks(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """One probability a candidate from the log-odds of both forests: their mean errs less than the second alone."""
    return sigmoid((first + second) / 2)


def stated(rows: Rows, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which candidates the note states, now or in the past, and by no more specific one; "candidate". names: of the
    dictionary's features."""
    column = {name: rows.values[:, i] for i, name in enumerate(names)}
    return (column["status_affirmed"] + column["status_historical"] > 0) & (column["score"] >= LEAST)


def held_back(rows: Rows, probabilities: npt.NDArray[np.float64], names: Sequence[str]) -> npt.NDArray[np.float64]:
    """What the note does not state stays far below what a threshold accepts, in the dictionary's order.

    Some corpora code what a note denies, or the general code beside the specific one. That is their habit, and a
    ranker for notes of other sources has none.
    """
    if not rows.codes:
        return probabilities
    said = rows.values[:, list(names).index("score")] * UNSTATED
    return np.where(stated(rows, names), probabilities, np.minimum(probabilities, said))


def second_look(rows: Rows, first: npt.NDArray[np.float64], habits: Habits | None) -> npt.NDArray[np.float32]:
    return np.hstack([rows.values, context.rows(rows.codes, rows.places, first, habits)])


def _crossed(
    rows: list[npt.NDArray[np.float32]],
    gold: list[npt.NDArray[np.bool_]],
    fold: list[int],
    how: Boosting | None,
    seed: int,
) -> tuple[Forest, list[npt.NDArray[np.float64]]]:
    """The forest of all notes, and for each note the log-odds of a forest that has not seen it."""
    note = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
    every, truth = np.concatenate(rows), np.concatenate(gold)
    part = np.array(fold)[note] % CROSSED
    out = np.zeros(len(every))
    for k in range(CROSSED):
        out[part == k] = fit_forest(every[part != k], truth[part != k], how, seed).log_odds(every[part == k])
    return fit_forest(every, truth, how, seed), [out[note == i] for i in range(len(rows))]
