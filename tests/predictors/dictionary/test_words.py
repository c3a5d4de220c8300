from __future__ import annotations

import pytest

from icdcoder.predictors.dictionary.words import split_side, term_words


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("R shoulder pain", {0: 1}),
        ("pain of the L shoulder", {1: 2}),
        ("L-sided weakness", {0: 2}),
        ("(R) hip", {0: 1}),
        ("otitis media, L.", {2: 2}),
        ("rt knee and lt hip, bilat effusions", {0: 1, 1: 2, 2: 3}),
        ("3 L nasal cannula", {}),
        ("poor R wave progression", {}),
        ("Dr. R saw the L spine", {}),
        ("PP/LT intact", {}),
        ("right knee", {0: 1}),
    ],
)
def test_sides_as_they_are_written(text: str, sides: dict[int, int]) -> None:
    assert term_words(text).sides == sides


def test_a_letter_alone_is_not_the_side_of_all_that_a_note_says() -> None:
    assert term_words("left knee. He has hip pain").only_side == 2
    assert term_words("L knee. He has hip pain").only_side == 0
    assert term_words("left knee, R hip. He has shoulder pain").only_side == 0


def test_a_side_before_a_break_says_nothing_of_what_follows() -> None:
    words = term_words("It is on the left. Hip pain")
    assert words.words.words[-2:] == ["hip", "pain"]
    assert words.side(len(words.words.words) - 2, len(words.words.words) - 1) == 0


def test_terms_are_filed_without_their_side() -> None:
    assert split_side("R MCA stroke") == split_side("right MCA stroke")
    assert split_side("bronch w/ BAL")[0] == split_side("bronch with BAL")[0]


@pytest.mark.parametrize(
    ("text", "fractures"),
    [
        ("L Colles' #, closed", 1),
        ("# left NOF", 1),
        ("#NOF", 1),
        ("seen in # clinic", 1),
        ("tooth #30, day # 2", 0),
        ("#1 hypertension", 0),
        ("fracture", 1),
    ],
)
def test_the_sign_of_a_fracture(text: str, fractures: int) -> None:
    found = term_words(text).words
    assert [text[a:b] for word, (a, b) in zip(found.words, found.offsets, strict=True) if word == "fracture"] == (
        (["#"] if "#" in text else ["fracture"]) * fractures
    )
