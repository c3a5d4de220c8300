from __future__ import annotations

import json

import pytest

from icdcoder.corpora._mimic.check_sheet import CheckRow, check_sheet, to_json
from icdcoder.corpora._mimic.published import FIGURES, TOP_50_CAML, TOP_50_CORRECT


def by_name(rows: list[CheckRow]) -> dict[str, CheckRow]:
    return {row.what: row for row in rows}


def test_what_equals_is_explained_or_missing_is_told_apart() -> None:
    facts = {"note rows": 2_083_180, "distinct codes": 8_922, "tokens": 79_798_000, "mine": 3, "types": None}
    rows = by_name(check_sheet("mimic3_full_caml", facts))
    assert rows["note rows"].verdict == "same"
    assert rows["distinct codes"].verdict == "explained"
    assert "empty code" in rows["distinct codes"].because
    assert rows["tokens"].verdict == "explained"
    assert rows["types"].verdict == "not counted"
    assert rows["mine"].verdict == "not published"
    assert rows["note rows"].because == ""


def test_a_difference_that_no_cause_covers_is_not_explained_away() -> None:
    facts = {"distinct codes": 8_000, "tokens": 1_000_000, "train documents": 47_000, "admissions": 52_721}
    rows = by_name(check_sheet("mimic3_full_caml", facts))
    assert {rows[what].verdict for what in facts} == {"differs"}
    assert {rows[what].because for what in facts} == {""}
    assert by_name(check_sheet("mimic3_rare50", {"train documents": 248}))["train documents"].verdict == "differs"
    assert (
        by_name(check_sheet("mimic4_icd10_edin", {"test documents": 19_700}))["test documents"].verdict == "explained"
    )


def test_admissions_without_the_four_that_have_no_code_are_explained() -> None:
    row = by_name(check_sheet("mimic3_full_correct", {"admissions": 52_722}))["admissions"]
    assert (row.verdict, row.because[:9]) == ("explained", "the paper")


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        ({"tokens": "words", "rule": "caml", "min_documents": 3}, {"tokens", "vocabulary"}),
        ({"tokens": "words", "rule": "msmn", "min_documents": 1}, {"tokens"}),
        ({"tokens": "words", "rule": "laat", "min_documents": 3}, set()),
        ({"tokens": "subwords"}, set()),
    ],
)
def test_counts_of_other_words_are_not_compared(text: dict[str, object], compared: set[str]) -> None:
    near = {"tokens": 79_780_000, "vocabulary": 51_900}
    rows = by_name(check_sheet("mimic3_full_correct", {**near, "text": text}))
    assert {what for what in near if rows[what].verdict == "explained"} == compared
    assert {rows[what].verdict for what in near.keys() - compared} <= {"other words"}
    assert all(rows[what].because == "" for what in near.keys() - compared)
    assert (
        by_name(check_sheet("mimic3_full_correct", {"admissions": 5, "text": text}))["admissions"].verdict == "differs"
    )
    clean = by_name(check_sheet("mimic3_clean", {"train tokens": 58_000_000, "text": text}))["train tokens"]
    assert clean.verdict == "other words"


def test_the_top_codes_are_compared_as_a_set_and_the_known_difference_is_named() -> None:
    assert len(TOP_50_CAML.split()) == len(set(TOP_50_CAML.split())) == 50
    assert set(TOP_50_CORRECT.split()) ^ set(TOP_50_CAML.split()) == {"37.23", "93.90"}
    backwards = {"top codes": TOP_50_CAML.split()[::-1]}
    assert by_name(check_sheet("mimic3_top50_caml", backwards))["top codes"].verdict == "same"
    row = by_name(check_sheet("mimic3_top50_caml", {"top codes": TOP_50_CORRECT.split()}))["top codes"]
    assert row.verdict == "explained"
    assert row.yours == "without 37.23; with 93.90"
    assert by_name(check_sheet("mimic3_top50_correct", {"top codes": ["401.9"]}))["top codes"].verdict == "differs"


def test_many_other_codes_are_counted_and_not_listed() -> None:
    row = by_name(check_sheet("mimic3_top50_caml", {"top codes": [f"{i}" for i in range(700, 750)]}))["top codes"]
    assert row.yours == "without 038.9, 244.9, 250.00, 272.0 and 46 more; with 700, 701, 702, 703 and 46 more"


def test_the_sheet_is_kept_as_json() -> None:
    rows = check_sheet("mimic3_full_caml", {"train documents": 47_723, "note rows": 2_083_180})
    body = json.loads(json.dumps(to_json(rows)))
    (train,) = [row for row in body if row["what"] == "train documents"]
    assert train["verdict"] == "explained"
    assert train["because"].startswith("CAML's list has 47,723")
    assert set(body[0]) == {"what", "published", "yours", "verdict", "because", "source"}


@pytest.mark.parametrize("dataset", FIGURES)
def test_every_figure_has_a_source_and_agrees_with_itself(dataset: str) -> None:
    figures = FIGURES[dataset]
    assert all(figure.source for figure in figures)
    facts = {f.what: str(f.value).split() if f.what == "top codes" else f.value for f in figures}
    assert {row.verdict for row in check_sheet(dataset, facts)} == {"same"}


def test_an_unknown_data_set_has_figures_of_its_own_only() -> None:
    assert {row.verdict for row in check_sheet("mimic3_few_shot", {"train documents": 9})} == {"not published"}
