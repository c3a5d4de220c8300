"""Figures of answers over all codes of a system, as rows of Markdown tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from icdcoder.core.code import Code
from icdcoder.core.document import Document
from icdcoder.core.prediction import Prediction
from icdcoder.experiment.open_report import open_report
from icdcoder.measure.errors import coding_errors, counted
from icdcoder.measure.open_set import average_precision

BANDS = ((0, 0, "0"), (1, 1, "1"), (2, 4, "2–4"), (5, 19, "5–19"), (20, 10**9, "20 and more"))


def markdown(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Numbers below 1 without their zero, as in tables of the field."""
    return "\n".join(map(line, ([*head], ["---"] * len(head), *rows)))


def line(cells: Sequence[Any]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(value: Any) -> str:
    return f"{value:.3f}".removeprefix("0") if isinstance(value, float) else str(value)


def figures(documents: Sequence[Document], predictions: Sequence[Prediction]) -> list[float]:
    """Micro-precision, -recall, -F1 over document-code pairs, MAP, share of gold pairs that are candidates at all."""
    pairs = [(set(d.codes), p) for d, p in zip(documents, predictions, strict=True)]
    accepted = [{one.code for one in p.accepted} for _, p in pairs]
    hits = sum(len(own & gold) for own, (gold, _) in zip(accepted, pairs, strict=True))
    given, total = sum(map(len, accepted)), sum(len(gold) for gold, _ in pairs)
    ranked = [[one.code for one in p.codes] for _, p in pairs]
    mean = np.mean([average_precision(gold, own) for (gold, _), own in zip(pairs, ranked, strict=True) if gold])
    reached = sum(len(gold.intersection(own)) for (gold, _), own in zip(pairs, ranked, strict=True))
    return [*_f1(total, given, hits), float(mean), reached / max(1, total)]


def by_training_notes(
    training: Sequence[Document], documents: Sequence[Document], predictions: Sequence[Prediction]
) -> list[list[Any]]:
    seen = Counter(code for document in training for code in set(document.codes))
    return _grouped(documents, predictions, lambda code: next(b for low, high, b in BANDS if low <= seen[code] <= high))


def by_chapter(
    training: Sequence[Document], documents: Sequence[Document], predictions: Sequence[Prediction]
) -> list[list[Any]]:
    rows = open_report(training, documents, predictions)["by chapter"]
    return [[row[name] for name in ("name", "gold", "accepted", "precision", "recall", "f1")] for row in rows]


def mistakes(
    _: Sequence[Document], documents: Sequence[Document], predictions: Sequence[Prediction]
) -> list[list[Any]]:
    """[kind, how many codes]; no text of a note."""
    found = [
        error
        for document, prediction in zip(documents, predictions, strict=True)
        for error in coding_errors(document.joined(), set(document.codes), prediction)
    ]
    return [[kind, count] for kind, count in counted(found).items()]


def _grouped(
    documents: Sequence[Document], predictions: Sequence[Prediction], group: Callable[[Code], str]
) -> list[list[Any]]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for document, prediction in zip(documents, predictions, strict=True):
        gold, accepted = set(document.codes), {one.code for one in prediction.accepted}
        for place, codes in enumerate((gold, accepted, gold & accepted)):
            for code in codes:
                counts[group(code)][place] += 1
    order = [band for _, _, band in BANDS]
    return [[name, *own[:2], *_f1(*own)] for name, own in sorted(counts.items(), key=lambda one: order.index(one[0]))]


def _f1(gold: int, accepted: int, right: int) -> tuple[float, float, float]:
    """(precision, recall, F1)."""
    return right / max(1, accepted), right / max(1, gold), 2 * right / max(1, gold + accepted)
