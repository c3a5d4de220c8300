from __future__ import annotations

import pytest

from icdcoder.text.phrase_windows import WEIGHT_OF, PhraseWindows, rarity

PHRASES = ("congestive heart failure", "CHF", "aspirin", "fracture of the left femur")
GROUPS = (0, 0, 1, 2)


def windows(**known: float) -> PhraseWindows:
    return PhraseWindows(PHRASES, GROUPS, known)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Congestive heart failure was treated.", 1.0),
        ("Known CHF.", 1.0),
        ("Failure of the heart, congestive.", 1.0),
        ("No evidence of congestive heart failure.", WEIGHT_OF["negated"]),
        ("Mother had CHF.", WEIGHT_OF["family"]),
    ],
)
def test_a_phrase_scores_by_what_is_asserted_of_it(text: str, score: float) -> None:
    assert windows().find(text)[0].score == pytest.approx(score)


def test_spans_hold_the_words() -> None:
    text = "Admitted.\n\nShe was given aspirin for the fracture of her left femur today."
    found = windows().find(text)
    assert text[found[1].start : found[1].end] == "aspirin"
    assert text[found[2].start : found[2].end] == "fracture of her left femur"


def test_the_best_place_counts() -> None:
    text = "No aspirin at home. " + "Other words stand here. " * 5 + "Aspirin was begun."
    found = windows().find(text)[1]
    assert found.status == "affirmed"
    assert found.start > 20


def test_part_of_a_phrase_counts_by_the_rarity_of_its_words() -> None:
    even = windows(congestive=1.0, heart=1.0, failure=1.0).find("Heart failure.")[0].score
    rare = windows(congestive=4.0, heart=1.0, failure=2.0).find("Congestive changes.")[0].score
    assert even == pytest.approx(2 / 3)
    assert rare == pytest.approx(4 / 7)
    assert 0 not in windows(congestive=1.0, heart=1.0, failure=1.0).find("The heart.")


def test_no_phrase_crosses_the_end_of_a_sentence() -> None:
    assert 2 not in windows().find("A fracture. The left hand is fine. The femur too.")


@pytest.mark.parametrize("text", ["", " \n", "...", "unrelated words only"])
def test_nothing_is_found_where_nothing_is_said(text: str) -> None:
    assert windows().find(text) == {}


def test_rare_words_weigh_more_and_unseen_most() -> None:
    found = rarity(["heart", "femur", "unseen"], ["Heart.", "hearts and femur", "heart"])
    assert found["heart"] < found["femur"] < found["unseen"]
