"""Does the evidence stand where a person put it? Evidence spans against gold spans, character by character.

Only codes that were accepted and have gold spans are compared: a code that is wrong has no right evidence. The
spans' overlap is judged as by DeYoung et al. 2020 (ERASER): a span is found where its intersection over union with
a gold span is one half or more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from icdcoder.core.code import Code
from icdcoder.core.document import GoldEvidence
from icdcoder.core.prediction import Prediction
from icdcoder.measure.counts import harmonic

MATCH = 0.5

MEANINGS = {
    "evidence_codes": "accepted codes with gold evidence, on which the evidence is judged",
    "evidence_given_share": "share of evidence_codes for which the coder gives any evidence",
    "evidence_overlap_share": "share of evidence_codes whose evidence touches gold evidence",
    "evidence_character_precision": "share of the evidence's characters that are gold evidence of the code",
    "evidence_character_recall": "share of the gold evidence's characters that the evidence covers",
    "evidence_character_f1": "harmonic mean of evidence_character_precision and evidence_character_recall",
    "evidence_span_precision": "share of evidence spans that match a gold span (intersection over union ≥ 0.5)",
    "evidence_span_recall": "share of gold spans that an evidence span matches",
    "evidence_span_f1": "harmonic mean of evidence_span_precision and evidence_span_recall",
}

Span = tuple[int, int]


def plausibility(pairs: Iterable[tuple[Prediction, Sequence[GoldEvidence] | None]]) -> dict[str, float]:
    """Every measure in MEANINGS, pooled over all pairs; only evidence_codes, 0, where nothing can be judged.

    A pair is a note's prediction and the gold evidence of the same text; None means it was never annotated.
    """
    tally = _Tally()
    for prediction, gold in pairs:
        truth: dict[Code, list[Span]] = defaultdict(list)
        for evidence in gold or ():
            truth[evidence.code].append((evidence.start, evidence.end))
        for candidate in prediction.accepted:
            if candidate.code in truth:
                tally.add([(e.start, e.end) for e in candidate.evidence], truth[candidate.code])
    return tally.measures()


@dataclass
class _Tally:
    codes: int = 0
    given: int = 0
    touching: int = 0
    characters: list[int] = field(default_factory=lambda: [0, 0, 0])  # gold, evidence, both
    spans: list[int] = field(default_factory=lambda: [0, 0, 0, 0])  # gold, of them matched, evidence, of them matched

    def add(self, evidence: Sequence[Span], gold: Sequence[Span]) -> None:
        own, truth = _characters(evidence), _characters(gold)
        both = len(own & truth)
        self.codes += 1
        self.given += bool(evidence)
        self.touching += both > 0
        for i, number in enumerate((len(truth), len(own), both)):
            self.characters[i] += number
        found = (len(gold), _matched(gold, evidence), len(evidence), _matched(evidence, gold))
        for i, number in enumerate(found):
            self.spans[i] += number

    def measures(self) -> dict[str, float]:
        if not self.codes:
            return {"evidence_codes": 0.0}
        truth, own, both = self.characters
        gold, gold_matched, given, given_matched = self.spans
        precision, recall = both / own if own else 0.0, both / truth if truth else 0.0
        span_precision, span_recall = given_matched / given if given else 0.0, gold_matched / gold
        return {
            "evidence_codes": float(self.codes),
            "evidence_given_share": self.given / self.codes,
            "evidence_overlap_share": self.touching / self.codes,
            "evidence_character_precision": precision,
            "evidence_character_recall": recall,
            "evidence_character_f1": harmonic(precision, recall),
            "evidence_span_precision": span_precision,
            "evidence_span_recall": span_recall,
            "evidence_span_f1": harmonic(span_precision, span_recall),
        }


def _characters(spans: Iterable[Span]) -> set[int]:
    return {place for start, end in spans for place in range(start, end)}


def _matched(spans: Sequence[Span], others: Sequence[Span]) -> int:
    return sum(any(intersection_over_union(span, other) >= MATCH for other in others) for span in spans)


def intersection_over_union(a: Span, b: Span) -> float:
    both = max(0, min(a[1], b[1]) - max(a[0], b[0]))
    either = (a[1] - a[0]) + (b[1] - b[0]) - both
    return both / either if either else 0.0
