from __future__ import annotations

import pytest

from icdcoder.core.code import Code
from icdcoder.core.document import GoldEvidence
from icdcoder.core.prediction import CodePrediction, CoderName, Evidence, Prediction
from icdcoder.measure.plausibility import MEANINGS, intersection_over_union, plausibility

A, B = Code("icd10cm", "A00"), Code("icd10cm", "B00")


def prediction(*codes: tuple[Code, bool, list[tuple[int, int]]]) -> Prediction:
    candidates = tuple(
        CodePrediction(code, "", 0.9, accepted, tuple(Evidence(s, e, "x" * (e - s), "attention") for s, e in spans))
        for code, accepted, spans in codes
    )
    return Prediction("n", CoderName("c", "1"), "icd10cm", "2026", candidates)


def gold(code: Code, *spans: tuple[int, int]) -> list[GoldEvidence]:
    return [GoldEvidence(code, start, end) for start, end in spans]


def test_by_hand() -> None:
    # A: evidence 10-20 and 50-60 against gold 12-22: 8 of 20 characters right, 8 of 10 found; 8 of 12 is a match.
    # B: nothing given against gold 0-4.
    answer = prediction((A, True, [(10, 20), (50, 60)]), (B, True, []))
    measures = plausibility([(answer, gold(A, (12, 22)) + gold(B, (0, 4)))])
    precision, recall = 8 / 20, 8 / 14
    assert measures == pytest.approx(
        {
            "evidence_codes": 2,
            "evidence_given_share": 1 / 2,
            "evidence_overlap_share": 1 / 2,
            "evidence_character_precision": precision,
            "evidence_character_recall": recall,
            "evidence_character_f1": 2 * precision * recall / (precision + recall),
            "evidence_span_precision": 1 / 2,
            "evidence_span_recall": 1 / 2,
            "evidence_span_f1": 1 / 2,
        }
    )
    assert set(measures) == set(MEANINGS)


def test_the_gold_itself_is_perfect() -> None:
    measures = plausibility([(prediction((A, True, [(3, 9), (20, 30)])), gold(A, (3, 9), (20, 30)))])
    assert {value for name, value in measures.items() if name != "evidence_codes"} == {1.0}


def test_only_accepted_codes_with_gold_evidence_are_judged() -> None:
    answer = prediction((A, False, [(0, 5)]), (B, True, [(0, 5)]))
    assert plausibility([(answer, gold(A, (0, 5)))]) == {"evidence_codes": 0.0}
    assert plausibility([(answer, None)]) == plausibility([]) == {"evidence_codes": 0.0}


def test_overlapping_spans_count_a_character_once() -> None:
    measures = plausibility([(prediction((A, True, [(0, 10), (5, 10)])), gold(A, (0, 10), (2, 6)))])
    assert measures["evidence_character_precision"] == measures["evidence_character_recall"] == 1.0


def test_evidence_of_another_code_does_not_help() -> None:
    measures = plausibility([(prediction((A, True, [(0, 5)]), (B, True, [(9, 12)])), gold(A, (9, 12)))])
    assert (measures["evidence_codes"], measures["evidence_overlap_share"]) == (1.0, 0.0)


def test_intersection_over_union() -> None:
    assert intersection_over_union((0, 10), (5, 15)) == pytest.approx(1 / 3)
    assert intersection_over_union((0, 10), (10, 20)) == 0.0
    assert intersection_over_union((4, 4), (4, 4)) == 0.0
