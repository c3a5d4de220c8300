"""The rules of the code set, each on codes for which the tables print it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from icdcoder.core.code import Code
from icdcoder.core.prediction import CodePrediction, CoderName, Evidence, Prediction, RuleChange
from icdcoder.decide.constraints import Patient, apply


def code(value: str) -> Code:
    return Code("icd10cm", value)


def prediction(accepted: dict[str, float], candidates: dict[str, float] | None = None) -> Prediction:
    every = [(v, s, True) for v, s in accepted.items()] + [(v, s, False) for v, s in (candidates or {}).items()]
    codes = [CodePrediction(code(v), "", s, a, (Evidence(0, 3, "abc", "test"),)) for v, s, a in every]
    return Prediction("n", CoderName("c", "1"), "icd10cm", "2026", tuple(sorted(codes, key=lambda c: -c.score)))


def accepted(result: Prediction) -> set[str]:
    return {c.code.value for c in result.accepted}


def only_change(result: Prediction) -> RuleChange:
    (change,) = result.changes
    return change


def test_what_breaks_no_rule_comes_back_as_it_was() -> None:
    before = prediction({"I10": 0.9, "E11.9": 0.8})
    assert apply(before) is before


def test_of_two_codes_that_exclude_each_other_the_less_certain_goes() -> None:
    result = apply(prediction({"E10.9": 0.6, "E11.9": 0.9}))
    assert accepted(result) == {"E11.9"}
    change = only_change(result)
    assert (change.action, change.rule, change.other) == ("removed", "excludes1", code("E11.9"))
    assert change.edition == "2026"


def test_an_excludes_note_of_a_category_holds_for_its_codes() -> None:
    # The note stands at I10 ("primary pulmonary hypertension (I27.0)").
    for scores in ({"I10": 0.9, "I27.0": 0.6}, {"I10": 0.6, "I27.0": 0.9}):
        result = apply(prediction(scores))
        assert len(accepted(result)) == 1
        assert "I10" in only_change(result).reason


def test_codes_that_rest_on_different_words_may_be_unrelated_and_are_left_to_a_person() -> None:
    before = prediction({"E10.9": 0.6, "E11.9": 0.9})
    elsewhere = tuple(replace(c, evidence=(Evidence(9, 12, "def", "test"),)) for c in before.codes[1:])
    result = apply(replace(before, codes=(before.codes[0], *elsewhere)))
    assert accepted(result) == {"E10.9", "E11.9"}
    assert (only_change(result).action, only_change(result).rule) == ("advised", "excludes1")


def placed(accepted: dict[str, tuple[float, int, int]]) -> Prediction:
    """Codes with a score and the place of their evidence."""
    before = prediction({value: score for value, (score, _, _) in accepted.items()})
    codes = []
    for one in before.codes:
        _, start, end = accepted[one.code.value]
        codes.append(replace(one, evidence=(Evidence(start, end, "x" * (end - start), "test"),)))
    return replace(before, codes=tuple(codes))


@pytest.mark.parametrize(
    ("codes", "stays"),
    [
        # "DM1 with DKA" holds the "DKA" that alone reads as type 2.
        ({"E10.10": (0.57, 0, 12), "E11.10": (0.75, 9, 12)}, {"E10.10"}),
        # Each has words of its own: "reflux [esophagitis] of the distal third".
        ({"K21.00": (0.9, 0, 18), "K20.90": (0.7, 7, 38)}, {"K21.00"}),
        ({"E10.10": (0.57, 0, 12), "E11.10": (0.75, 0, 12)}, {"E11.10"}),
        # A bleeding ulcer says that there is bleeding.
        ({"K92.2": (0.84, 0, 8), "K26.4": (0.54, 0, 20)}, {"K26.4"}),
        # One that has given way excludes nothing any more.
        ({"E11.9": (0.9, 0, 3), "E10.10": (0.8, 0, 12), "E10.65": (0.7, 30, 33)}, {"E10.10", "E10.65"}),
    ],
)
def test_of_two_on_the_same_words_that_which_holds_the_other_stays(codes: dict, stays: set[str]) -> None:
    assert accepted(apply(placed(codes))) == stays


def test_a_removed_code_stays_a_candidate_with_its_evidence() -> None:
    result = apply(prediction({"E10.9": 0.6, "E11.9": 0.9}))
    (candidate,) = [c for c in result.codes if c.code == code("E10.9")]
    assert not candidate.accepted
    assert candidate.evidence


def test_candidates_exclude_nothing() -> None:
    before = prediction({"E11.9": 0.9}, {"E10.9": 0.4})
    assert apply(before) is before


def test_a_category_becomes_its_only_unspecified_code() -> None:
    result = apply(prediction({"R05": 0.9}))
    assert accepted(result) == {"R05.9"}
    change = only_change(result)
    assert (change.action, change.rule, change.other) == ("replaced", "billable", code("R05.9"))
    (found,) = result.accepted
    assert found.description
    assert found.evidence


def test_the_missing_seventh_character_is_that_of_the_initial_encounter() -> None:
    result = apply(prediction({"S93.401": 0.9}))
    assert accepted(result) == {"S93.401A"}
    assert only_change(result).rule == "seventh character"


def test_a_category_without_one_plain_code_stays_and_is_named() -> None:
    result = apply(prediction({"E11": 0.9}))
    assert accepted(result) == {"E11"}
    assert only_change(result).action == "advised"


@pytest.mark.parametrize(
    ("value", "sex"), [("C61", "female"), ("N40.0", "female"), ("C56.1", "male"), ("N83.201", "male")]
)
def test_codes_of_the_other_sex_are_removed(value: str, sex) -> None:
    result = apply(prediction({value: 0.9}), patient=Patient(50, sex))
    assert accepted(result) == set()
    assert only_change(result).rule == "sex"


@pytest.mark.parametrize(("value", "sex"), [("C61", "male"), ("C56.1", "female"), ("I10", "male"), ("C61", None)])
def test_codes_of_the_own_sex_or_of_both_stay(value: str, sex) -> None:
    before = prediction({value: 0.9})
    assert apply(before, patient=Patient(50, sex)) is before


def test_a_code_of_pregnancy_needs_an_age_at_which_it_is_possible() -> None:
    assert accepted(apply(prediction({"O80": 0.9}), patient=Patient(80, "female"))) == set()
    assert accepted(apply(prediction({"O80": 0.9}), patient=Patient(30, "female"))) == {"O80"}


def test_a_perinatal_code_of_an_adult_is_named_or_removed() -> None:
    kept = apply(prediction({"P07.39": 0.9}), patient=Patient(40))
    assert accepted(kept) == {"P07.39"} or only_change(kept).action == "removed"
    assert only_change(kept).rule == "age"
    assert apply(prediction({"P07.39": 0.9}), patient=Patient(0.01)).changes == ()


def test_a_manifestation_without_its_cause_is_named() -> None:
    # "Code first underlying disease, such as …" is optional; N18 under E11.22 is not asked for here.
    alone = apply(prediction({"G63": 0.9}))
    for change in alone.changes:
        assert change.action == "advised"
    assert accepted(alone) == {"G63"}


def test_a_further_code_among_the_candidates_is_advised() -> None:
    result = apply(prediction({"E11.22": 0.9}, {"N18.4": 0.4, "I10": 0.4}))
    change = only_change(result)
    assert (change.rule, change.other) == ("use additional code", code("N18.4"))
    assert accepted(result) == {"E11.22"}


def test_a_code_of_another_edition_is_named_and_kept() -> None:
    result = apply(prediction({"Z99.99": 0.9}))
    assert accepted(result) == {"Z99.99"}
    assert only_change(result).rule == "edition"


def test_codes_divided_since_the_date_of_service_are_what_they_were_then() -> None:
    result = apply(prediction({"R05.3": 0.9, "I10": 0.8}, {"R05.9": 0.2}), served=date(2018, 5, 1))
    assert accepted(result) == {"R05", "I10"}
    assert result.edition == "2018"
    assert [c.code.value for c in result.codes] == ["R05", "I10"]
    change = only_change(result)
    assert (change.action, change.rule, change.other) == ("replaced", "date of service", code("R05"))


def test_the_edition_of_2017_is_older_still() -> None:
    given = {"I21.9": 0.9, "K56.609": 0.8}
    assert accepted(apply(prediction(given), served=date(2017, 9, 30))) == {"I21.3", "K56.60"}
    assert accepted(apply(prediction(given), served=date(2017, 10, 1))) == {"I21.9", "K56.609"}


def test_a_date_of_service_of_another_year_is_warned_of() -> None:
    warned = apply(prediction({"I10": 0.9}), served=date(2021, 3, 1))
    assert "2021" in warned.warnings[0]
    assert not apply(prediction({"I10": 0.9}), served=date(2025, 10, 1)).warnings


def test_changes_survive_json() -> None:
    result = apply(prediction({"E10.9": 0.6, "E11.9": 0.9, "E11": 0.5}))
    assert result.changes
    assert Prediction.from_json(result.to_json()) == result


def test_a_prediction_written_before_there_were_rules_is_read() -> None:
    data = prediction({"I10": 0.9}).to_json()
    del data["changes"]
    assert Prediction.from_json(data).changes == ()


def asked(result: Prediction) -> list[str]:
    return [change.other.value for change in result.changes if change.rule == "use additional code" and change.other]


def test_advice_names_a_code_once() -> None:
    assert asked(apply(prediction({"J44.1": 0.9, "J13": 0.8, "I25.10": 0.7}, {"F17.210": 0.5}))) == ["F17.210"]


def test_what_a_rule_removed_is_not_advised() -> None:
    result = apply(prediction({"J44.1": 0.9, "Z87.891": 0.8, "F17.210": 0.5}))
    assert [(c.code.value, c.action) for c in result.changes if c.rule == "excludes1"] == [("F17.210", "removed")]
    assert asked(result) == []


def test_what_a_neighbour_on_the_same_words_says_is_not_advised() -> None:
    failing = prediction({"I13.0": 0.9, "I50.23": 0.8, "N18.4": 0.7}, {"I50.22": 0.4, "N18.9": 0.4})
    assert asked(apply(failing)) == []
    before = prediction({"E11.9": 0.9, "Z79.84": 0.8}, {"Z79.4": 0.4})
    elsewhere = replace(before.codes[2], evidence=(Evidence(9, 12, "def", "test"),))
    assert asked(apply(replace(before, codes=(*before.codes[:2], elsewhere)))) == ["Z79.4"]


def test_nothing_is_advised_of_a_code_that_is_removed_later() -> None:
    # O72.1 and Z33.1 rest on different words, so that a person is asked; then O99.019 takes Z33.1 away.
    before = prediction({"O72.1": 0.9, "Z33.1": 0.8, "O99.019": 0.7})
    first = replace(before.codes[0], evidence=(Evidence(19, 22, "def", "test"),))
    last = replace(before.codes[2], evidence=(Evidence(0, 9, "abcdefghi", "test"),))
    result = apply(replace(before, codes=(first, before.codes[1], last)))
    assert [(c.code.value, c.action) for c in result.changes if c.rule == "excludes1"] == [("Z33.1", "removed")]


def test_reasons_are_whole_sentences() -> None:
    result = apply(prediction({"R65.21": 0.9, "F05": 0.8}))
    reasons = [change.reason for change in result.changes if change.rule == "code first"]
    assert reasons == [
        "Its cause is to be coded first: underlying infection.",
        "Its cause is to be coded first: the underlying physiological condition.",
    ]


@pytest.mark.parametrize(
    ("edition", "given", "after"),
    [
        ("2018", {"R05": 0.9, "S72.92": 0.8}, {"R05", "S72.92XA"}),
        ("2017-short", {"R05": 0.9, "S72.92X": 0.8, "S82.84": 0.7}, {"R05", "S72.92X", "S82.84"}),
        ("2026", {"R05": 0.9}, {"R05.9"}),
    ],
)
def test_codes_of_an_older_edition_are_judged_by_that_edition(
    edition: str, given: dict[str, float], after: set[str]
) -> None:
    assert accepted(apply(replace(prediction(given), edition=edition))) == after


@pytest.mark.parametrize(
    ("system", "codes", "stay", "rule"),
    [
        ("icd10cm", {"E11.9": 0.9, "E11.42": 0.6}, {"E11.42"}, "without complications"),
        ("icd10cm", {"F10.20": 0.9, "F10.231": 0.6}, {"F10.231"}, "without complications"),
        ("icd9cm", {"250.00": 0.9, "250.60": 0.6}, {"250.60"}, "without complications"),
        ("icd9cm", {"250.01": 0.9, "250.60": 0.6}, {"250.01", "250.60"}, None),
        ("icd10cm", {"E10.9": 0.9, "I10": 0.6}, {"E10.9", "I10"}, None),
        ("icd10cm", {"D64.9": 0.9, "D62": 0.6}, {"D62"}, "named condition"),
        ("icd9cm", {"285.9": 0.9, "285.1": 0.6}, {"285.1"}, "named condition"),
        # A symptom is left to the coder.
        ("icd10cm", {"R05.9": 0.9, "J18.9": 0.6}, {"R05.9", "J18.9"}, None),
    ],
)
def test_what_another_code_says_more_exactly_goes(
    system: str, codes: dict[str, float], stay: set[str], rule: str | None
) -> None:
    listed = tuple(CodePrediction(Code(system, v), "", s, True) for v, s in codes.items())
    result = apply(Prediction("n", CoderName("c", "1"), system, "2026", listed))
    assert accepted(result) == stay
    assert rule in {change.rule for change in result.changes} if rule else accepted(result) == set(codes)
