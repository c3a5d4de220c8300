"""The figures of a coder that may answer with any code of a system: by training frequency, by chapter, reliability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.document import Document
from icdcoder.core.prediction import Prediction
from icdcoder.measure.calibration import Calibration
from icdcoder.measure.counts import Counts
from icdcoder.measure.frequency import by_training_frequency
from icdcoder.measure.open_set import measures_of_predictions

Row = tuple[str, Counts]


def open_report(
    training: Iterable[Document], test: Sequence[Document], predictions: Sequence[Prediction]
) -> dict[str, Any]:
    """JSON-ready: "measures", and rows of "by training notes of the code", "by chapter", "reliability".

    Reliability is over the candidates listed, as all other pairs have no probability.
    """
    gold = [set(document.codes) for document in test]
    seen = Counter(code for document in training for code in set(document.codes))
    codes = sorted({c for own in gold for c in own} | {c.code for p in predictions for c in p.accepted})
    counts = _counts(codes, gold, [{c.code for c in p.accepted} for p in predictions])
    bands = by_training_frequency(counts, np.array([seen[code] for code in codes]))
    chapters = [_chapter(code) for code in codes]
    groups = [(name, counts.where(np.array([c == name for c in chapters])).pooled) for name in sorted(set(chapters))]
    return {
        "measures": measures_of_predictions(gold, predictions),
        "by training notes of the code": [_row(band.label, band.micro) for band in bands],
        "by chapter": [_row(name, own) for name, own in groups],
        "reliability": _reliability(gold, predictions),
    }


def _counts(codes: Sequence[Code], gold: Sequence[set[Code]], accepted: Sequence[set[Code]]) -> Counts:
    tally = [Counter(c for own in sets for c in own) for sets in (gold, accepted)]
    correct = Counter(c for truth, own in zip(gold, accepted, strict=True) for c in truth & own)
    return Counts(*(np.array([of[code] for code in codes]) for of in (*tally, correct)))


def _row(name: str, counts: Counts) -> dict[str, Any]:
    return {
        "name": name,
        "gold": int(counts.gold),
        "accepted": int(counts.accepted),
        "precision": round(float(counts.precision), 4),
        "recall": round(float(counts.recall), 4),
        "f1": round(float(counts.f1), 4),
    }


def _chapter(code: Code) -> str:
    system = systems.load(code.system)
    if code not in system:
        for end in range(len(code.value) - 1, 2, -1):  # a code of another edition: its nearest ancestor that is left
            above = Code(code.system, code.value[:end].rstrip("."))
            if above in system:
                return _title(system.chapter(above).title, code)
        return f"{code.system}: codes of other editions"
    return _title(system.chapter(code).title, code)


def _title(title: str, code: Code) -> str:
    return f"{code.system}: {title}"


def _reliability(gold: Sequence[set[Code]], predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    pairs = [(c.code in own, c.score) for own, p in zip(gold, predictions, strict=True) for c in p.codes]
    if not pairs:
        return []
    truth, scores = (np.array([column]) for column in zip(*pairs, strict=True))
    bins = Calibration.of(truth.astype(np.bool_), scores).bins
    return [
        {
            "from": b.low,
            "to": b.high,
            "pairs": b.pairs,
            "mean": round(b.mean_probability, 4),
            "gold": round(b.share_gold, 4),
        }
        for b in bins
        if b.pairs
    ]
