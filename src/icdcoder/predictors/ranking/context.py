"""The second look at a candidate: how it stands among the note's other candidates once each has a first probability."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.predictors.ranking.habits import Habits

NAMES: tuple[str, ...] = (
    "first_probability",  # as log-odds
    "first_rank",
    "behind_the_best",  # log-odds of the note's best candidate less its own
    "best_sibling",  # probability of the best other code of the category
    "best_of_same_words",  # probability of the best other code with the same best evidence
    "expected_codes",  # sum of the note's probabilities
    "company",  # how much likelier the other codes make it (habits only)
    "symptom",  # it is of the chapter of symptoms and signs
    "some_cause",  # probability that a code of another chapter holds: a symptom is not coded where its cause is
    "best_cause",  # probability of the likeliest of them
)
# Chapters of symptoms, signs and ill-defined conditions.
_SYMPTOMS = {"icd10cm": ("R",), "icd9cm": ("78", "79")}


def rows(
    codes: Sequence[Code],
    places: Sequence[tuple[int, int] | None],
    first: npt.NDArray[np.float64],
    habits: Habits | None,
) -> npt.NDArray[np.float32]:
    """ "candidate feature" of one note. places: each candidate's best evidence. first: its first probability."""
    odds = np.log(np.clip(first, 1e-6, 1 - 1e-6) / (1 - np.clip(first, 1e-6, 1 - 1e-6)))
    rank = np.empty(len(codes))
    rank[np.argsort(-first, kind="stable")] = np.arange(len(codes))
    categories = [code.value.partition(".")[0] for code in codes]
    return np.stack(
        [
            odds,
            rank,
            odds.max(initial=-14.0) - odds,
            _best_other(categories, first),
            _best_other(places, first),
            np.full(len(codes), first.sum()),
            _company(codes, first, habits),
            *_causes(codes, first),
        ],
        axis=1,
    ).astype(np.float32)


def _best_other(groups: Sequence[object], first: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """For each candidate the greatest probability of another one of its group; 0 in the group None."""
    members: dict[object, list[int]] = defaultdict(list)
    for i, group in enumerate(groups):
        if group is not None:
            members[group].append(i)
    best = np.zeros(len(groups))
    for own in members.values():
        if len(own) > 1:
            ordered = sorted(own, key=lambda i: -first[i])
            best[own] = first[ordered[0]]
            best[ordered[0]] = first[ordered[1]]
    return best


def _causes(codes: Sequence[Code], first: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], ...]:
    """(symptom, some_cause, best_cause), each of the candidate's own probability left out."""
    if not len(codes):
        return (np.zeros(0), np.zeros(0), np.zeros(0))
    symptom = np.array([code.value.startswith(_SYMPTOMS.get(code.system, ("-",))) for code in codes])
    causes = np.where(symptom, 0.0, first)
    doubt = np.log1p(-np.clip(causes, 0, 1 - 1e-6))
    other = 1 - np.exp(doubt.sum() - doubt)
    ordered = np.sort(causes)[::-1]
    second = ordered[1] if len(ordered) > 1 else 0.0
    best = np.where(causes == ordered[0], second if (causes == ordered[0]).sum() == 1 else ordered[0], ordered[0])
    return symptom.astype(np.float64), other, best


def _company(codes: Sequence[Code], first: npt.NDArray[np.float64], habits: Habits | None) -> npt.NDArray[np.float64]:
    if habits is None:
        return np.zeros(len(codes))
    present = np.zeros(len(habits.codes))
    for code, probability in zip(codes, first, strict=True):
        number = habits.number.get(code)
        if number is not None:
            present[number] = probability
    company = habits.company(present)
    return np.array([company[habits.number[code]] if code in habits.number else 0.0 for code in codes])
