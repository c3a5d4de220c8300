"""Do concept scores look copied from the labels? A check on notes that were not trained on.

Released predictions of a concept coder have been seen in which nearly every gold code had all of its concepts on,
also those that no reader could find in the note, and nearly no other code had: the rule "all of a code's concepts are
on" alone beat the coder. Honest scores do not look so, since a note rarely says everything that can be said of a
condition. The check asks how good that rule is at its best threshold, how far gold and other codes lie apart in the
share of their concepts that are on, and how well the best concept of a code tells it alone; so that noise, some honest
notes or some honest concepts do not hide a leak. Beside it stands what the same gives once the labels are dealt to
other notes, which is what it would be worth by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Fewer concepts can well stand in a note together.
FEWEST = 3
# "All but one" says as much as "all" from so many on.
MANY = 5
# Where the rule alone is as good as this, scores look copied.
RULE_F1 = 0.8
RULE_RECALL = 0.9
# Or where so many concepts of gold codes, and so few of others, are on.
GOLD_SHARE, OTHER_SHARE = 0.8, 0.2
# Or where a gold code with any concept on has all (but one) so often, and so much more often than by chance.
NEARLY_ALL, ABOVE_CHANCE = 0.5, 0.25
# Or where a single concept is as good as the label, for half of the codes with so many gold notes.
BEST_F1, GOLD_NOTES = 0.97, 5
STEPS = 99
CUTS = 9
SLOTS = 7  # of the distribution: 0/7 … 7/7

MEANINGS = {
    "concepts_on_share_of_gold_pairs": "mean share of a code's concepts that are on, where it is gold",
    "concepts_on_share_of_other_pairs": "the same where it is not gold",
    "concepts_all_on_of_gold_pairs": "of gold note-code pairs, the share with all concepts of the code on",
    "concepts_all_on_of_gold_pairs_with_any_on": "the same among those with any concept on",
    "concepts_nearly_all_on_of_gold_pairs": "of gold pairs, the share with all on, or of five or more all but one",
    "concepts_nearly_all_on_of_gold_pairs_with_any_on": "the same among those with any concept on",
    "concepts_nearly_all_on_with_permuted_labels": "the same of all pairs, with the labels dealt to other notes",
    "concepts_rule_threshold": "threshold at which the rule that all concepts of a code are on has its best F1",
    "concepts_rule_precision": "precision of that rule alone",
    "concepts_rule_recall": "recall of that rule alone",
    "concepts_rule_f1": "F1 of that rule alone",
    "concepts_rule_f1_with_permuted_labels": "F1 of that rule with the labels dealt to other notes",
    "concepts_best_single_f1": "F1 of a code's best concept alone, at its best threshold; median over codes",
    "concepts_control_f1": "least micro-F1 of heads trained on permuted labels of the training notes, up to five deals",
    "concepts_control_chance_f1": "micro-F1 of the codes' training frequencies alone",
}


@dataclass(frozen=True, slots=True)
class OnShare:
    """How many note-code pairs have this share of the code's concepts on, in sevenths."""

    sevenths: int
    gold: int
    other: int


@dataclass(frozen=True, slots=True)
class LeakCheck:
    """measures: by full name, for the report. warnings: sentences; none where nothing is suspicious. distribution: of
    the share of concepts that are on."""

    measures: Mapping[str, float]
    warnings: tuple[str, ...]
    distribution: tuple[OnShare, ...] = ()


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
    truth, own = gold[:, judged], [np.flatnonzero(row) for row in membership[judged]]
    dealt = truth[np.random.default_rng(seed).permutation(len(truth))]
    weakest = np.stack([scores[:, concepts].min(1) for concepts in own], 1)
    threshold = _best_threshold(truth, weakest)
    alone, chance = _rule(truth, weakest >= threshold), _rule(dealt, weakest >= threshold)
    spread = _Spread.of(truth, dealt, scores, own, 0.5)
    # Scores that carry the labels need not pass one half.
    apart = max((_Spread.of(truth, dealt, scores, own, cut) for cut in _cuts(truth, scores, own)), key=_gap)
    best = _best_single(truth, scores, own)
    measures = {
        "concepts_on_share_of_gold_pairs": spread.gold,
        "concepts_on_share_of_other_pairs": spread.other,
        "concepts_all_on_of_gold_pairs": spread.every,
        "concepts_all_on_of_gold_pairs_with_any_on": spread.every_of_some,
        "concepts_nearly_all_on_of_gold_pairs": spread.nearly,
        "concepts_nearly_all_on_of_gold_pairs_with_any_on": spread.nearly_of_some,
        "concepts_nearly_all_on_with_permuted_labels": spread.nearly_by_chance,
        "concepts_rule_threshold": threshold,
        "concepts_rule_precision": alone.precision,
        "concepts_rule_recall": alone.recall,
        "concepts_rule_f1": alone.f1,
        "concepts_rule_f1_with_permuted_labels": chance.f1,
        **({} if best is None else {"concepts_best_single_f1": best}),
    }
    return LeakCheck(measures, tuple(_warnings(alone, chance, (spread, apart), best)), spread.distribution)


@dataclass(frozen=True, slots=True)
class _Spread:
    """Of the concepts whose score is above a cut: the mean share of a gold pair's, and of another's; of gold pairs,
    those with all on, and with all or nearly all; of_some: among those with any on; by_chance: with dealt labels."""

    gold: float
    other: float
    every: float
    every_of_some: float
    nearly: float
    nearly_of_some: float
    nearly_by_chance: float
    distribution: tuple[OnShare, ...]

    @classmethod
    def of(
        cls,
        truth: npt.NDArray[np.bool_],
        dealt: npt.NDArray[np.bool_],
        scores: npt.NDArray[np.floating],
        own: list[npt.NDArray[np.int64]],
        cut: float,
    ) -> _Spread:
        on = np.stack([(scores[:, concepts] > cut).sum(1, dtype=np.int32) for concepts in own], 1)
        count = np.array([len(concepts) for concepts in own], dtype=np.int32)
        share = on / count
        nearly = on >= count - (count >= MANY)
        every, some = int((on == count)[truth].sum()), max(1, int((on > 0)[truth].sum()))
        return cls(
            gold=float(share[truth].mean()),
            other=float(share[~truth].mean()) if (~truth).any() else 0.0,
            every=every / int(truth.sum()),
            every_of_some=every / some,
            nearly=float(nearly[truth].mean()),
            nearly_of_some=int(nearly[truth].sum()) / some,
            nearly_by_chance=float(nearly[dealt].mean()),
            distribution=_distribution(truth, share),
        )


def _gap(spread: _Spread) -> float:
    return spread.gold - spread.other


def _distribution(truth: npt.NDArray[np.bool_], share: npt.NDArray[np.float64]) -> tuple[OnShare, ...]:
    """None and all stand for themselves alone, whatever the number of concepts."""
    slot = np.clip(np.rint(share * SLOTS), 1, SLOTS - 1).astype(np.int64)
    slot[share == 0], slot[share == 1] = 0, SLOTS
    gold, every = (np.bincount(found.ravel(), minlength=SLOTS + 1) for found in (slot[truth], slot))
    return tuple(OnShare(i, int(gold[i]), int(every[i] - gold[i])) for i in range(SLOTS + 1))


def _cuts(
    truth: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating], own: list[npt.NDArray[np.int64]]
) -> list[float]:
    of_gold = np.concatenate([scores[truth[:, i]][:, concepts].ravel() for i, concepts in enumerate(own)])
    found = np.unique(np.quantile(of_gold, np.linspace(0.05, 0.95, CUTS), method="lower"))
    return [float(value) * (1 - 1e-6) for value in found if value > 0] or [0.5]


def _best_single(
    truth: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating], own: list[npt.NDArray[np.int64]]
) -> float | None:
    """The median over codes; None where no code has notes enough to tell."""
    found = [
        max(_best_f1(truth[:, i], scores[:, concept]) for concept in concepts)
        for i, concepts in enumerate(own)
        if truth[:, i].sum() >= GOLD_NOTES
    ]
    return float(np.median(found)) if found else None


def _best_f1(truth: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating]) -> float:
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    return float((2 * np.cumsum(truth[order])[ends] / (ends + 1 + truth.sum())).max())


def _best_threshold(truth: npt.NDArray[np.bool_], weakest: npt.NDArray[np.floating]) -> float:
    tried = np.unique(np.quantile(weakest[truth], np.linspace(0, 1, STEPS), method="lower"))
    tried = tried[tried > 0]  # every pair passes 0
    if not len(tried):
        return 1.0
    return float(max(tried, key=lambda value: _rule(truth, weakest >= value).f1))


def _rule(truth: npt.NDArray[np.bool_], on: npt.NDArray[np.bool_]) -> _Rule:
    both = int((truth & on).sum())
    precision, recall = both / max(1, int(on.sum())), both / max(1, int(truth.sum()))
    return _Rule(precision, recall, 2 * both / max(1, int(on.sum() + truth.sum())))


def _warnings(alone: _Rule, chance: _Rule, spreads: tuple[_Spread, ...], best: float | None) -> list[str]:
    why = []
    if alone.recall >= RULE_RECALL and alone.f1 >= RULE_F1:
        why.append(
            f"the rule that all of a code's concepts are on, alone, has recall {alone.recall:.3f} and F1 "
            f"{alone.f1:.3f} (with permuted labels {chance.f1:.3f})"
        )
    apart = next((s for s in spreads if s.gold >= GOLD_SHARE and s.other <= OTHER_SHARE), None)
    if apart is not None:
        why.append(f"{apart.gold:.1%} of the concepts of gold codes are on, and {apart.other:.1%} of those of others")
    nearly = next(
        (s for s in spreads if s.nearly_of_some >= NEARLY_ALL and s.nearly >= s.nearly_by_chance + ABOVE_CHANCE), None
    )
    if nearly is not None:
        why.append(
            f"of gold codes with any concept on, {nearly.nearly_of_some:.1%} have all or nearly all on "
            f"({nearly.nearly:.1%} of all gold codes; with permuted labels {nearly.nearly_by_chance:.1%})"
        )
    if best is not None and best >= BEST_F1:
        why.append(f"one concept alone tells its code: the median over codes of the best one's F1 is {best:.3f}")
    if not why:
        return []
    warning = (
        f"THE CONCEPT SCORES LOOK COPIED FROM THE LABELS: on notes that were not trained on, {'; '.join(why)}. Hardly "
        "any note says all that its codes could have in it, and hardly any words are as good as a label. Do not trust "
        "these figures before it is known how the scores came to be."
    )
    return [warning]
