"""Do concept scores look copied from the labels? A check on notes that were not trained on.

Released predictions of a concept coder have been seen in which nearly every gold code had all of its concepts on,
also those that no reader could find in the note, and nearly no other code had: the rule "all of a code's concepts are
on" alone beat the coder. Honest scores do not look so, since a note rarely says everything that can be said of a
condition. The check asks how good that rule is at its best threshold, and what it is worth once the labels are dealt
to other notes, which is what it would be worth by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Fewer concepts can well stand in a note together.
FEWEST = 3
# Where the rule alone is as good as this, scores look copied.
RULE_F1 = 0.8
RULE_RECALL = 0.9
STEPS = 99


@dataclass(frozen=True, slots=True)
class LeakCheck:
    """measures: by full name, for the report. warnings: sentences; none where nothing is suspicious."""

    measures: Mapping[str, float]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    precision: float
    recall: float
    f1: float


def check(
    gold: npt.NDArray[np.bool_],
    scores: npt.NDArray[np.floating],
    membership: npt.NDArray[np.bool_],
    *,
    seed: int = 0,
) -> LeakCheck:
    """gold: "note code". scores: "note concept". membership: "code concept"; codes with fewer than FEWEST concepts are
    not judged, and where no other is gold, that is the warning."""
    judged = np.flatnonzero((membership.sum(1) >= FEWEST) & gold.any(0))
    if not len(judged):
        return LeakCheck({}, (f"No code has {FEWEST} concepts or more: it cannot be checked whether scores leak.",))
    truth = gold[:, judged]
    weakest, share = _pairs(scores, membership[judged])
    threshold = _best_threshold(truth, weakest)
    alone = _rule(truth, weakest >= threshold)
    dealt = truth[np.random.default_rng(seed).permutation(len(truth))]
    chance = _rule(dealt, weakest >= threshold)
    some, every = share[truth] > 0, share[truth] == 1
    measures = {
        "concepts_on_share_of_gold_pairs": float(share[truth].mean()),
        "concepts_on_share_of_other_pairs": float(share[~truth].mean()) if (~truth).any() else 0.0,
        "concepts_all_on_of_gold_pairs": float(every.mean()),
        "concepts_all_on_of_gold_pairs_with_any_on": float(every.sum() / max(1, some.sum())),
        "concepts_rule_threshold": threshold,
        "concepts_rule_precision": alone.precision,
        "concepts_rule_recall": alone.recall,
        "concepts_rule_f1": alone.f1,
        "concepts_rule_f1_with_permuted_labels": chance.f1,
    }
    return LeakCheck(measures, tuple(_warnings(alone, chance)))


def _pairs(
    scores: npt.NDArray[np.floating], membership: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For each "note code": the weakest score of the code's concepts, and the share of them that is above one half."""
    weakest = np.empty((len(scores), len(membership)))
    share = np.empty_like(weakest)
    for column, own in enumerate(membership):
        weakest[:, column] = scores[:, own].min(1)
        share[:, column] = (scores[:, own] > 0.5).mean(1)
    return weakest, share


def _best_threshold(truth: npt.NDArray[np.bool_], weakest: npt.NDArray[np.float64]) -> float:
    tried = np.unique(np.quantile(weakest[truth], np.linspace(0, 1, STEPS), method="lower"))
    tried = tried[tried > 0]  # every pair passes 0
    if not len(tried):
        return 1.0
    return float(max(tried, key=lambda value: _rule(truth, weakest >= value).f1))


def _rule(truth: npt.NDArray[np.bool_], on: npt.NDArray[np.bool_]) -> _Rule:
    both = int((truth & on).sum())
    precision, recall = both / max(1, int(on.sum())), both / max(1, int(truth.sum()))
    return _Rule(precision, recall, 2 * both / max(1, int(on.sum() + truth.sum())))


def _warnings(alone: _Rule, chance: _Rule) -> list[str]:
    if alone.recall < RULE_RECALL or alone.f1 < RULE_F1:
        return []
    warning = (
        f"THE CONCEPT SCORES LOOK COPIED FROM THE LABELS: the rule that all of a code's concepts are on, alone, has "
        f"recall {alone.recall:.3f} and F1 {alone.f1:.3f} on notes that were not trained on (with permuted labels "
        f"{chance.f1:.3f}). Hardly any note says all that its codes could have in it. Do not trust these figures "
        "before it is known how the scores came to be."
    )
    return [warning]
