from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.core.prediction import CodePrediction, CoderName, Prediction
from icdcoder.measure.coding import set_measures
from icdcoder.measure.open_set import measures_of_predictions, open_set_measures
from icdcoder.measure.ranking import ranking_measures

A, B, C, D, E = (Code("icd10cm", value) for value in ("A00", "B00", "C00", "D00", "E00"))
GOLD = [{A, B}, {C}, {D, E}]
RANKED = [[C, A, B], [C], [A]]


def test_every_measure_equals_the_fraction_worked_by_hand() -> None:
    measures = open_set_measures(GOLD, RANKED, ks=(1, 2))
    # correct: A, B of the first, C of the second; 5 gold, 5 listed.
    assert measures["micro_precision"] == measures["micro_recall"] == measures["micro_f1"] == pytest.approx(3 / 5)
    average = [(Fraction(1, 2) + Fraction(2, 3)) / 2, Fraction(1), Fraction(0)]
    assert measures["mean_average_precision"] == pytest.approx(float(sum(average) / 3))
    assert measures["precision_at_1"] == pytest.approx(1 / 3)
    assert measures["precision_at_2"] == pytest.approx((1 + 1 + 0) / 2 / 3)
    assert measures["recall_at_2"] == pytest.approx((1 / 2 + 1 + 0) / 3)


@given(st.integers(0, 100_000))
def test_on_a_closed_set_the_matrix_gives_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    notes, size = int(rng.integers(1, 9)), 16
    gold, scores = rng.random((notes, size)) < rng.random(), rng.random((notes, size)).round(1)
    accepted = scores > 0.6
    codes = [Code("icd9cm", str(i)) for i in range(size)]
    lists = [[codes[i] for i in row] for row in np.argsort(-scores, axis=1, kind="stable")]

    def sets(matrix: np.ndarray) -> list[set[Code]]:
        return [{codes[i] for i in np.flatnonzero(row)} for row in matrix]

    opened = open_set_measures(sets(gold), lists, sets(accepted))
    closed = {**set_measures(gold, accepted), **ranking_measures(gold, scores)}
    for name, value in opened.items():
        assert closed[name] == pytest.approx(value), name
    assert ("mean_average_precision" in opened) == ("mean_average_precision" in closed)


def test_a_code_listed_twice_counts_once_at_its_first_place() -> None:
    assert open_set_measures([{A, B}], [[A, A, B]]) == open_set_measures([{A, B}], [[A, B]])


def test_a_document_without_gold_costs_precision_and_leaves_the_means() -> None:
    more = open_set_measures([*GOLD, set()], [*RANKED, [A]])
    less = open_set_measures(GOLD, RANKED)
    assert more["mean_average_precision"] == less["mean_average_precision"]
    assert more["micro_precision"] == pytest.approx(3 / 6)
    assert more["micro_recall"] == less["micro_recall"]


def test_documents_without_an_answer_count_as_zero() -> None:
    assert open_set_measures(GOLD, [[], [], []])["mean_average_precision"] == 0.0
    assert open_set_measures(GOLD, [[], [], []])["micro_f1"] == 0.0


def test_predictions_give_their_ranking_and_their_accepted_codes() -> None:
    def prediction(*candidates: tuple[Code, bool]) -> Prediction:
        codes = tuple(CodePrediction(code, "", 0.5, accepted) for code, accepted in candidates)
        return Prediction("n", CoderName("c", "1"), "icd10cm", "2026", codes)

    answers = [prediction((C, False), (A, True), (B, True)), prediction((C, True)), prediction((A, False))]
    expected = open_set_measures(GOLD, RANKED, [{A, B}, {C}, set()])
    assert measures_of_predictions(GOLD, answers) == expected
    assert expected["micro_precision"] == 1.0


def test_unlike_lengths_and_nothing_at_all_are_refused() -> None:
    with pytest.raises(InputError, match="3 documents have gold codes, 2 a ranking"):
        open_set_measures(GOLD, RANKED[:2])
    with pytest.raises(InputError, match="no document"):
        open_set_measures([], [])
