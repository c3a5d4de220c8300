"""How a ranker is fitted on coded notes: rows by habits, and probabilities by trees, that have not seen the note."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.candidates.features import NAMES as DICTIONARY_NAMES
from icdcoder.predictors.ranking import code_sets, context
from icdcoder.predictors.ranking.boosting import Boosting, Forest, mean, sigmoid
from icdcoder.predictors.ranking.boosting import fit as fit_forest
from icdcoder.predictors.ranking.code_sets import Weighed
from icdcoder.predictors.ranking.descriptions import Rarity
from icdcoder.predictors.ranking.habits import NAMES as HABIT_NAMES
from icdcoder.predictors.ranking.habits import Coded, Habits
from icdcoder.predictors.ranking.ranker import NAMES, Ranker, Rows, candidate_rows, second_look, stated, with_sets

FOLDS = 10
# Each forest is fitted on all but one of so many parts (each of several folds).
CROSSED = 5


@dataclass(frozen=True, eq=False)
class Fitted:
    """A ranker, and for each training note its candidates with probabilities that did not see the note."""

    ranker: Ranker
    codes: list[list[Code]]
    probabilities: list[npt.NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Gathered:
    """What trees are grown on. rows, gold, fold: one entry a note. gold: which candidates are right. habits: of all
    notes; unseen: for each fold, of the others; None and empty for a ranker without. counted: whether the corpus gives
    the same sets of codes again and again."""

    names: tuple[str, ...]
    rows: list[Rows]
    gold: list[npt.NDArray[np.bool_]]
    fold: list[int]
    rarity: Rarity | None
    habits: Habits | None
    unseen: list[Habits]
    counted: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all features that trees may use."""
        return (*self.names, *(HABIT_NAMES if self.habits else ()), *context.NAMES)


def fit(
    notes: Sequence[Coded],
    groups: Sequence[str],
    *,
    habits: bool,
    rarity: Rarity | None = None,
    right: Callable[[Code, frozenset[Code]], bool] | None = None,
    how: Boosting | None = None,
    seed: int = 0,
) -> Fitted:
    """groups: the patient of each note; a patient is in one fold. rarity: of words in descriptions; None to do without
    the features of descriptions. right: when a candidate counts as gold (None: it is among the codes).

    The notes are cut into FOLDS. What habits say of a fold's notes is learnt from the other folds, so that the trees
    learn how far habits can be trusted on notes that they have not seen; the second forest learns from probabilities
    of first forests that have not seen the note either, and so does the decision over sets of codes.
    """
    return grow(gather(notes, groups, habits=habits, rarity=rarity, right=right, seed=seed), how=how, seed=seed)


def gather(
    notes: Sequence[Coded],
    groups: Sequence[str],
    *,
    habits: bool,
    rarity: Rarity | None = None,
    right: Callable[[Code, frozenset[Code]], bool] | None = None,
    seed: int = 0,
) -> Gathered:
    """The first half of `fit`: everything but the trees."""
    right = right or (lambda code, gold: code in gold)
    fold = folds(groups, seed)
    unseen = (
        [Habits.fit([n for n, f in zip(notes, fold, strict=True) if f != k]) for k in range(FOLDS)] if habits else []
    )
    names = NAMES if rarity else DICTIONARY_NAMES
    rows = [
        candidate_rows(n.read, unseen[f] if habits else None, rarity, names) for n, f in zip(notes, fold, strict=True)
    ]
    gold = [np.array([right(code, n.codes) for code in r.codes], np.bool_) for n, r in zip(notes, rows, strict=True)]
    counted = habits and code_sets.repeated([n.codes for n in notes])
    return Gathered(names, rows, gold, fold, rarity, Habits.fit(notes) if habits else None, unseen, counted)


def grow(on: Gathered, *, how: Boosting | None = None, seed: int = 0, unused: Collection[str] = ()) -> Fitted:
    """The second half: trees and the decision over sets. unused: names of features that the trees do not see, to
    measure what they are worth."""
    blind = np.array([name in unused for name in on.columns])
    first, first_out = _crossed([r.values for r in on.rows], blind, on.gold, on.fold, how, seed)
    looks = [
        second_look(r, sigmoid(odds), on.unseen[f] if on.habits else None)
        for r, odds, f in zip(on.rows, first_out, on.fold, strict=True)
    ]
    second, second_out = _crossed(looks, blind, on.gold, on.fold, how, seed + 1)
    odds = [(one + two) / 2 for one, two in zip(first_out, second_out, strict=True)]
    together = None
    if on.counted:
        weighed = [
            code_sets.weigh(r.codes, own, on.unseen[f].given) for r, own, f in zip(on.rows, odds, on.fold, strict=True)
        ]
        together, odds = _together(weighed, odds, on.gold, on.fold)
    out = [sigmoid(own) for own in odds]
    if not on.habits:
        # So that no threshold is chosen for the sake of what no note states.
        out = [np.where(stated(r, on.names), p, 0.0) for r, p in zip(on.rows, out, strict=True)]
    ranker = Ranker(on.names, first, second, on.habits, together, on.rarity)
    return Fitted(ranker, [r.codes for r in on.rows], out)


def folds(groups: Sequence[str], seed: int) -> list[int]:
    """A fold for each note, the same for notes of one group."""
    names = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(names))
    of = {names[i]: place % FOLDS for place, i in enumerate(order.tolist())}
    return [of[group] for group in groups]


def _together(
    weighed: list[Weighed], alone: list[npt.NDArray[np.float64]], gold: list[npt.NDArray[np.bool_]], fold: list[int]
) -> tuple[npt.NDArray[np.float64] | None, list[npt.NDArray[np.float64]]]:
    """The weights of the decision over sets, and each note's log-odds by weights that have not seen it; None and
    `alone` where these are no likelier to be right than the codes one by one."""
    out = list(alone)
    for k in range(CROSSED):
        others = [i for i, f in enumerate(fold) if f % CROSSED != k]
        weights = code_sets.fit([weighed[i] for i in others], [gold[i] for i in others])
        for i in (i for i, f in enumerate(fold) if f % CROSSED == k):
            out[i] = with_sets(alone[i], weighed[i], weights)
    if _log_loss(out, gold) >= _log_loss(alone, gold):
        return None, alone
    return code_sets.fit(weighed, gold), out


def _log_loss(log_odds: list[npt.NDArray[np.float64]], gold: list[npt.NDArray[np.bool_]]) -> float:
    signed = np.where(np.concatenate(gold), -1.0, 1.0) * np.concatenate(log_odds)
    return float(np.logaddexp(0.0, signed).mean())


def _crossed(
    rows: list[npt.NDArray[np.float32]],
    blind: npt.NDArray[np.bool_],
    gold: list[npt.NDArray[np.bool_]],
    fold: list[int],
    how: Boosting | None,
    seed: int,
) -> tuple[Forest, list[npt.NDArray[np.float64]]]:
    """The mean of forests that were each fitted without one part of the notes, and for each note the log-odds of that
    which has not seen it. The mean varies less than a forest fitted on all would. blind: which columns no tree may use,
    "feature"; those of the second look that the first has not stand at the end."""
    note = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
    every, truth = np.concatenate(rows), np.concatenate(gold)
    every[:, blind[: every.shape[1]]] = 0.0
    part = np.array(fold)[note] % CROSSED
    out = np.zeros(len(every))
    grown = []
    for k in range(CROSSED):
        grown.append(fit_forest(every[part != k], truth[part != k], how, seed))
        out[part == k] = grown[k].log_odds(every[part == k])
    return mean(grown), [out[note == i] for i in range(len(rows))]
