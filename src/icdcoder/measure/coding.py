"""Measures of accepted codes, each named in full, and all measures of coding together.

Two different quantities are called macro-F1 in the literature: the mean of the codes' F1 (scikit-learn; Edin et al.
2023), and the harmonic mean of macro precision and macro recall (the evaluation of CAML, Mullenbach et al. 2018, and
of those who compare with it). Averages run over all codes of the space or over those present in the gold of this
split. No measure here has the bare name.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from icdcoder.measure.counts import Counts, harmonic
from icdcoder.measure.matrices import as_flags, as_scores
from icdcoder.measure.ranking import ranking_measures
from icdcoder.measure.roc import Pooled, auc_measures

MEANINGS = {
    "micro_f1": "F1 of all note-code pairs together",
    "micro_precision": "share of accepted pairs that are gold (0 where nothing is accepted)",
    "micro_recall": "share of gold pairs that are accepted",
    "macro_f1_mean_of_codes": "mean of each code's F1, over all codes of the space",
    "macro_f1_mean_of_codes_present": "mean of each code's F1, over codes that are gold somewhere in this split",
    "macro_f1_of_macro_precision_recall": "harmonic mean of macro precision and macro recall, as CAML defines macro-F1",
    "macro_precision": "mean of each code's precision, over all codes of the space",
    "macro_recall": "mean of each code's recall, over all codes of the space",
    "macro_precision_present": "mean of each code's precision, over codes that are gold somewhere in this split",
    "macro_recall_present": "mean of each code's recall, over codes that are gold somewhere in this split",
    "jaccard_micro": "pairs both accepted and gold / pairs either (reported as accuracy in some papers)",
    "jaccard_macro": "jaccard of each code's pairs, mean over all codes of the space",
    "f1_mean_of_notes": "mean of each note's F1",
    "exact_match_ratio": "share of notes whose accepted codes are exactly the gold codes",
    "notes": "notes measured",
    "notes_without_gold": "notes with no gold code in the space",
    "codes": "codes of the space",
    "codes_present": "codes that are gold somewhere in this split",
    "gold_pairs": "note-code pairs that are gold",
    "accepted_pairs": "note-code pairs that were accepted",
    "correct_pairs": "note-code pairs that are both",
}


def coding_measures(gold: npt.ArrayLike, scores: npt.ArrayLike, accepted: npt.ArrayLike) -> dict[str, float]:
    """Every measure of coding, by its full name.

    gold: "note code" of True and False. scores: "note code", higher is likelier; any monotone scale gives the same.
    accepted: "note code" of True and False, what the decision rule took. A measure that is undefined on this input
    (an area where nothing is gold) is left out. Raises InputError for unlike shapes or a NaN.
    """
    return {**set_measures(gold, accepted), **ranking_measures(gold, scores), **auc_measures(gold, scores)}


def set_measures(gold: npt.ArrayLike, accepted: npt.ArrayLike) -> dict[str, float]:
    """The measures that know no score. A ratio whose denominator is 0 is 0 and is averaged as such."""
    codes, notes = Counts.of(gold, accepted), Counts.of(gold, accepted, per="note")
    micro, present = codes.pooled, codes.where(codes.gold > 0)
    macro_precision, macro_recall = float(codes.precision.mean()), float(codes.recall.mean())
    exact = (notes.correct == notes.gold) & (notes.correct == notes.accepted)
    measures = {
        "micro_f1": float(micro.f1),
        "micro_precision": float(micro.precision),
        "micro_recall": float(micro.recall),
        "macro_f1_mean_of_codes": float(codes.f1.mean()),
        "macro_f1_of_macro_precision_recall": harmonic(macro_precision, macro_recall),
        "macro_precision": macro_precision,
        "macro_recall": macro_recall,
        "jaccard_micro": float(micro.jaccard),
        "jaccard_macro": float(codes.jaccard.mean()),
        "f1_mean_of_notes": float(notes.f1.mean()),
        "exact_match_ratio": float(exact.mean()),
        "notes": len(notes.gold),
        "notes_without_gold": np.count_nonzero(notes.gold == 0),
        "codes": len(codes.gold),
        "codes_present": len(present.gold),
        "gold_pairs": micro.gold,
        "accepted_pairs": micro.accepted,
        "correct_pairs": micro.correct,
    }
    if len(present.gold):
        measures["macro_f1_mean_of_codes_present"] = float(present.f1.mean())
        measures["macro_precision_present"] = float(present.precision.mean())
        measures["macro_recall_present"] = float(present.recall.mean())
    return {name: float(value) for name, value in measures.items()}


def validation_measures(gold: npt.ArrayLike, probabilities: npt.ArrayLike) -> dict[str, float]:
    """What training may watch: every measure of coding at the threshold 0.5, and micro_f1_at_best_threshold.

    Early in training no probability passes 0.5 while the ranking is good already; the last one sees that. It is for
    validation only: on a test split it would be a threshold chosen on test data.
    """
    truth = as_flags(gold, "gold")
    numbers = as_scores(probabilities, truth)
    best = Pooled.of(truth, numbers).best_f1
    return {**coding_measures(truth, numbers, numbers > 0.5), "micro_f1_at_best_threshold": best}
