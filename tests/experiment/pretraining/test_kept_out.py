"""Texts that must not be in the training text are found by what they say."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.experiment.pretraining.kept_out import KeptOut, runs

WORDS = [f"word{i}" for i in range(400)]


def text(seed: int, length: int = 120) -> str:
    drawn = random.Random(seed)
    return " ".join(drawn.choice(WORDS) for _ in range(length))


EXCLUDED = [text(1), text(2), text(3, 40)]


def test_a_text_with_other_spacing_case_and_marks_is_the_same() -> None:
    kept_out = KeptOut(EXCLUDED, 0.1)
    assert len(kept_out) == 3
    assert kept_out.holds(EXCLUDED[0].upper().replace(" ", ",\n  "))
    assert not kept_out.holds(text(9))


def test_an_excluded_text_inside_a_long_one_is_found() -> None:
    assert KeptOut(EXCLUDED, 0.1).holds(f"{text(7, 3000)} {EXCLUDED[2]} {text(8, 3000)}")


def test_a_part_of_an_excluded_text_is_found() -> None:
    kept_out = KeptOut([text(1, 3000)], 0.1)
    assert kept_out.holds(" ".join(text(1, 3000).split()[500:560]))


def test_the_limit_is_a_share_of_runs() -> None:
    half = f"{' '.join(EXCLUDED[0].split()[:60])} {text(5, 60)}"  # 53 of 113 runs
    assert KeptOut(EXCLUDED, 0.4).holds(half)
    assert not KeptOut(EXCLUDED, 0.5).holds(half)


def test_nothing_is_kept_out_by_nothing() -> None:
    assert not KeptOut([], 0.0).holds("any text at all")
    assert not KeptOut(["", "  "], 0.0).holds("")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_a_text_has_as_many_runs_as_places_for_them(words: list[str]) -> None:
    places = {tuple(words[i : i + 8]) for i in range(max(1, len(words) - 7))} if words else set()
    assert len(runs(" ".join(words))) == len(places)
