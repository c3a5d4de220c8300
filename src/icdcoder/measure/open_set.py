"""The same measures where no closed label space exists: ranked lists of codes against sets of gold codes.

This is how CodiEsp scores its runs (mean average precision over documents; micro precision, recall and F1 over
document-code pairs), and how a coder that may answer with any of 74,000 codes is measured without a matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.core.prediction import Prediction
from icdcoder.measure.counts import Counts
from icdcoder.measure.ranking import KS


def open_set_measures(
    gold: Sequence[AbstractSet[Code]],
    ranked: Sequence[Sequence[Code]],
    accepted: Sequence[AbstractSet[Code]] | None = None,
    *,
    ks: Sequence[int] = KS,
) -> dict[str, float]:
    """micro_precision, micro_recall, micro_f1, mean_average_precision, precision_at_k, recall_at_k, and the counts.

    ranked: each document's codes, best first; of a code named twice the first place counts. Gold codes that are not
    listed were never found. accepted: None takes every listed code, as the CodiEsp task does. Documents without gold
    codes count in the pairs and in precision at k, and not in the means of average precision and recall. Precision
    at k divides by k, also where fewer codes are listed. Raises InputError where the lengths differ.
    """
    lists = [list(dict.fromkeys(codes)) for codes in ranked]
    taken = [set(codes) for codes in lists] if accepted is None else accepted
    if not len(gold) == len(lists) == len(taken):
        raise InputError(f"{len(gold)} documents have gold codes, {len(lists)} a ranking, {len(taken)} accepted codes.")
    if not lists:
        raise InputError("There is no document to measure.")
    micro = Counts(
        gold=np.asarray(sum(map(len, gold))),
        accepted=np.asarray(sum(map(len, taken))),
        correct=np.asarray(sum(len(truth & own) for truth, own in zip(gold, taken, strict=True))),
    )
    measures = {
        "micro_f1": float(micro.f1),
        "micro_precision": float(micro.precision),
        "micro_recall": float(micro.recall),
        "notes": float(len(lists)),
        "gold_pairs": float(micro.gold),
        "accepted_pairs": float(micro.accepted),
        "correct_pairs": float(micro.correct),
    }
    graded = [(truth, codes) for truth, codes in zip(gold, lists, strict=True) if truth]
    for k in ks:
        hits = [len(truth & set(codes[:k])) for truth, codes in zip(gold, lists, strict=True)]
        measures[f"precision_at_{k}"] = float(np.mean(hits)) / k
        if graded:
            found = [len(truth & set(codes[:k])) / len(truth) for truth, codes in graded]
            measures[f"recall_at_{k}"] = float(np.mean(found))
    if graded:
        measures["mean_average_precision"] = float(np.mean([average_precision(*pair) for pair in graded]))
    return measures


def average_precision(gold: AbstractSet[Code], ranked: Sequence[Code]) -> float:
    """Σ over the gold codes of the precision at their rank / number of gold codes; an unlisted one adds 0."""
    hits, total = 0, 0.0
    for rank, code in enumerate(ranked, start=1):
        if code in gold:
            hits += 1
            total += hits / rank
    return total / len(gold)


def measures_of_predictions(
    gold: Sequence[AbstractSet[Code]], predictions: Iterable[Prediction], *, ks: Sequence[int] = KS
) -> dict[str, float]:
    """`open_set_measures` of a coder's answers: all candidates ranked as they stand, its own accepted codes."""
    answers = list(predictions)
    return open_set_measures(
        gold,
        [[candidate.code for candidate in answer.codes] for answer in answers],
        [{candidate.code for candidate in answer.accepted} for answer in answers],
        ks=ks,
    )
