"""What a coder comes to that reads no note: the floor under every other figure of a report."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from icdcoder.measure.matrices import Flags
from icdcoder.measure.ranking import GoldRanks

MEANINGS = {
    "micro_f1_without_reading": "micro-F1 of giving each note the most frequent codes, as many as do best in training",
    "mean_average_precision_without_reading": "of ranking the codes of each note by their frequency in training",
}


def measures(gold: Flags, training: npt.NDArray[np.integer], notes: int) -> dict[str, float]:
    """gold: matrix "note code". training: training notes of each code, of `notes` in all. {} where there is nothing to
    know how frequent a code is, or no gold code."""
    if not notes or not training.any() or not gold.any():
        return {}
    order = np.argsort(-training, kind="stable")
    right = np.cumsum(training[order])
    most = np.arange(1, len(order) + 1)
    given = order[: 1 + int(np.argmax(2 * right / (most * notes + right[-1])))]
    micro = 2 * int(gold[:, given].sum()) / (len(given) * len(gold) + int(gold.sum()))
    rank = np.empty_like(order)
    rank[order] = most
    note, code = np.nonzero(gold)
    within = np.lexsort((rank[code], note))
    sizes = gold.sum(axis=1)
    ranks = GoldRanks(note[within], rank[code][within], sizes, len(order))
    return {
        "micro_f1_without_reading": float(micro),
        "mean_average_precision_without_reading": float(ranks.average_precision[sizes > 0].mean()),
    }
