"""The ranker that comes with icdcoder: what a user gets with --coder ranked."""

from __future__ import annotations

import json

import pytest

from icdcoder.coder import CARD, Coder
from icdcoder.core.note import Note
from icdcoder.predictors.ranked import FILES, SHIPPED


@pytest.fixture(scope="module")
def coder() -> Coder:
    return Coder.load(SHIPPED)


def test_its_card_says_from_what_it_was_made() -> None:
    card = json.loads((SHIPPED / CARD).read_text(encoding="utf-8"))
    assert "CC BY 4.0" in card["trained_on"]["licence"]
    assert card["ranked"]["habits"] is False
    assert "/" not in json.dumps(card["trained_on"])


def test_it_is_small_and_holds_no_words_of_notes() -> None:
    assert sum((SHIPPED / name).stat().st_size for name in FILES) < 1_000_000
    assert json.loads((SHIPPED / "ranker.json").read_text(encoding="utf-8"))["habits"] is None


def test_it_codes_what_is_affirmed_and_not_what_is_denied(coder: Coder) -> None:
    text = "ASSESSMENT: Community-acquired pneumonia. Essential hypertension. No atrial fibrillation. Possible asthma."
    accepted = {one.code.value for one in coder.code(Note("n", text)).accepted}
    assert {"J18.9", "I10"} <= accepted
    assert not any(value.startswith(("I48", "J45")) for value in accepted)


def test_its_scores_are_probabilities_with_evidence(coder: Coder) -> None:
    text = "Type 2 diabetes mellitus, chronic kidney disease stage 3. Denies chest pain."
    prediction = coder.code(Note("n", text), top=10)
    scores = [one.score for one in prediction.codes]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert all(text[e.start : e.end] == e.text for one in prediction.codes for e in one.evidence)


def test_an_empty_note_is_answered(coder: Coder) -> None:
    assert coder.code("").warnings


@pytest.mark.parametrize(
    ("text", "present", "absent"),
    [
        ("CKD stage 3b. CKD is stable.", {"N18.32"}, {"N18.9"}),
        ("Type 2 diabetes mellitus with hyperglycemia. Type 2 diabetes. Hyperglycemia.", {"E11.65"}, {"R73.9"}),
        ("Hypertension. Chronic kidney disease stage 4. Hypertension is controlled.", {"I12.9", "N18.4"}, {"I10"}),
        ("COPD with acute exacerbation. COPD.", {"J44.1"}, {"J44.9"}),
    ],
)
def test_less_specific_codes_go(coder: Coder, text: str, present: set[str], absent: set[str]) -> None:
    accepted = {one.code.value for one in coder.code(text, rules=True).accepted}
    assert present <= accepted
    assert not absent & accepted
