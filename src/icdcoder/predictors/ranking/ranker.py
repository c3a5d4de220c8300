"""The ranker: candidates of a note → probabilities. It is fitted by fitting.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.errors import ArtefactError
from icdcoder.predictors.dictionary.candidates.features import NAMES as DICTIONARY_NAMES
from icdcoder.predictors.ranking import code_sets, context, descriptions
from icdcoder.predictors.ranking.boosting import Forest, sigmoid
from icdcoder.predictors.ranking.code_sets import Weighed
from icdcoder.predictors.ranking.descriptions import NAMES as DESCRIPTION_NAMES
from icdcoder.predictors.ranking.descriptions import Rarity
from icdcoder.predictors.ranking.habits import NAMES as HABIT_NAMES
from icdcoder.predictors.ranking.habits import Habits
from icdcoder.predictors.ranking.reading import ReadNote

# What is known of a candidate without a corpus's habits.
NAMES = (*DICTIONARY_NAMES, *DESCRIPTION_NAMES)
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
    """names: of NAMES those that it was fitted with, in order. habits: None for a ranker that carries over to other
    notes. together: weights of the decision over sets of codes; None where codes are decided one by one. rarity: None
    where no features of descriptions are among the names."""

    names: tuple[str, ...]
    first: Forest
    second: Forest
    habits: Habits | None = None
    together: npt.NDArray[np.float64] | None = None
    rarity: Rarity | None = None

    def rank(self, read: ReadNote) -> tuple[Rows, npt.NDArray[np.float64]]:
        """The candidates of a note, and one probability each."""
        rows = candidate_rows(read, self.habits, self.rarity, self.names)
        if not rows.codes:
            return rows, np.zeros(0)
        first = self.first.log_odds(rows.values)
        second = self.second.log_odds(second_look(rows, sigmoid(first), self.habits))
        odds = (first + second) / 2
        if self.together is not None and self.habits:
            odds = with_sets(odds, code_sets.weigh(rows.codes, odds, self.habits.given), self.together)
        return rows, sigmoid(odds) if self.habits else held_back(rows, sigmoid(odds), self.names)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        own = {**self.first.arrays("first"), **self.second.arrays("second")}
        own |= self.rarity.arrays() if self.rarity else {}
        return own | (self.habits.arrays() if self.habits else {})

    def card(self) -> dict[str, Any]:
        habits = {**self.habits.card(), "names": list(HABIT_NAMES)} if self.habits else None
        together = None if self.together is None else self.together.tolist()
        return {"names": list(self.names), "habits": habits, "together": together}

    @classmethod
    def of(cls, arrays: dict[str, npt.NDArray[Any]], card: dict[str, Any]) -> Ranker:
        """Raises ArtefactError for one whose features the dictionary no longer has."""
        gone = [name for name in card["names"] if name not in NAMES]
        if gone:
            raise ArtefactError(
                f"The ranker was fitted by another version of icdcoder, whose dictionary told it {gone[0]!r}. "
                "Fit it again: icdcoder fit-ranker CONFIG."
            )
        if card["habits"] and card["habits"].get("names") != list(HABIT_NAMES):
            raise ArtefactError(
                "The ranker was fitted by another version of icdcoder, which learnt other habits of a corpus. "
                "Fit it again: icdcoder fit-ranker CONFIG."
            )
        habits = Habits.of(arrays, card["habits"]) if card["habits"] else None
        weights = card.get("together")
        together = None if weights is None else np.array(weights, dtype=np.float64)
        rarity = Rarity.of(arrays) if "rarity.keys" in arrays else None
        first, second = (Forest.of(arrays, name) for name in ("first", "second"))
        return cls(tuple(card["names"]), first, second, habits, together, rarity)


def candidate_rows(read: ReadNote, habits: Habits | None, rarity: Rarity | None, names: tuple[str, ...]) -> Rows:
    """The dictionary's candidates and those of the habits. A feature that a candidate has not is 0."""
    known = read.features
    if rarity is not None:
        best = [(c.mentions[0].start, c.mentions[0].end) for c in read.candidates]
        known = np.hstack([known, descriptions.rows(read.words, read.described, best, rarity)])
    column = {name: i for i, name in enumerate(NAMES)}
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
            row[: len(kept)] = known[own, kept]
            places = [(m.start, m.end) for m in read.candidates[own].mentions]
        if remarks:
            row[len(kept) :] = remarks.row(code)
            places += remarks.spans(code)
        spans.append(list(dict.fromkeys(places)))
    return Rows(codes, values, spans)


def with_sets(
    alone: npt.NDArray[np.float64], weighed: Weighed, weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Log-odds of a note's candidates: the mean of their own and of what the sets that hold them say."""
    return (alone + weighed.log_odds(weights, alone)) / 2


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
