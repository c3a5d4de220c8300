from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.text.normal_form import NormalWords, normal_words
from icdcoder.text.term_index import MAX_WORDS, TermIndex

word = st.sampled_from("acute renal failure heart lung left ulcer foot".split())
terms = st.lists(st.lists(word, min_size=1, max_size=4), min_size=1, max_size=12)


def spans(index: TermIndex, text: str) -> list[str]:
    note = normal_words(text)
    return [" ".join(note.words[m.first : m.last + 1]) for m in index.find(note)]


def test_the_longest_term_wins_and_its_parts_are_not_told_again() -> None:
    index = TermIndex.build([["renal", "failure"], ["acute", "renal", "failure"], ["failure"], ["heart"]])
    assert spans(index, "Acute renal failure, heart failure") == ["acute renal failure", "heart", "failure"]


def test_word_order_and_filler_do_not_matter() -> None:
    index = TermIndex.build([["femoral", "neck", "fracture"]])
    assert spans(index, "a fracture of the femoral neck") == ["fracture femoral neck"]


def test_overlapping_terms_are_both_found() -> None:
    index = TermIndex.build([["acute", "renal"], ["renal", "failure"]])
    assert spans(index, "acute renal failure") == ["acute renal", "renal failure"]


def test_no_term_crosses_a_sentence() -> None:
    index = TermIndex.build([["renal", "failure"]])
    assert spans(index, "Renal. Failure to thrive.") == []


@given(terms, st.lists(word, max_size=20))
def test_equal_to_looking_at_every_window(all_terms: list[list[str]], note: list[str]) -> None:
    index = TermIndex.build(all_terms)
    known = {tuple(sorted(t)) for t in all_terms}
    windows = [
        (i, j)
        for i, j in itertools.combinations_with_replacement(range(len(note)), 2)
        if tuple(sorted(note[i : j + 1])) in known
    ]
    found = [(m.first, m.last) for m in index.find(normal_words(" ".join(note)))]
    assert set(found) <= set(windows)
    # Each window that is not found lies inside one that is.
    for i, j in set(windows) - set(found):
        assert any(first <= i and j <= last for first, last in found)


@given(terms, st.lists(word | st.just(""), max_size=20), st.integers(0, 2))
def test_gaps_are_equal_to_looking_at_every_choice_of_words(
    all_terms: list[list[str]], note: list[str], gaps: int
) -> None:
    known = {tuple(sorted(term)) for term in all_terms}
    longest = max(map(len, all_terms))
    expected = {
        (first, last, skipped)
        for first, last in itertools.combinations(range(len(note)), 2)
        for skipped in range(1, gaps + 1)
        if "" not in note[first : last + 1] and last - first < min(longest, (MAX_WORDS, 6, 5)[skipped])
        for inside in itertools.combinations(note[first + 1 : last], max(0, last - first - 1 - skipped))
        if tuple(sorted((note[first], *inside, note[last]))) in known and last - first > skipped
    }
    words = NormalWords(note, np.zeros((len(note), 2), dtype=np.int64))
    matches = TermIndex.build(all_terms).find(words, gaps=gaps)
    found = {(m.first, m.last, m.gaps) for m in matches if m.gaps}
    assert found <= expected
    # Those that are not found lie inside a longer match without a gap.
    for first, last, _ in expected - found:
        assert any(not m.gaps and m.first <= first and last <= m.last for m in matches)


@given(terms, st.lists(word, min_size=1, max_size=30))
def test_blocks_make_no_difference(all_terms: list[list[str]], note: list[str]) -> None:
    words = NormalWords(note, np.zeros((len(note), 2), dtype=np.int64))
    index = TermIndex.build(all_terms)
    at_once = index.find(words, gaps=2, nested=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("icdcoder.text.term_index._BLOCK", 4)
        assert index.find(words, gaps=2, nested=True) == at_once


@given(terms)
def test_numbers_are_those_that_find_gives(all_terms: list[list[str]]) -> None:
    index = TermIndex.build(all_terms)
    for term in all_terms:
        matches = index.find(normal_words(" ".join(term)))
        assert index.number(term) in {m.term for m in matches}
    assert index.number(["unknown"]) is None
    assert index.number([]) is None


def test_save_and_load(tmp_path: Path) -> None:
    index = TermIndex.build([["renal", "failure"], ["ulcer"]])
    index.save(tmp_path / "terms.npy")
    loaded = TermIndex.load(tmp_path / "terms.npy")
    note = normal_words("foot ulcer and renal failure")
    assert loaded.find(note) == index.find(note)


def test_edges() -> None:
    assert TermIndex.build([]).find(normal_words("renal failure")) == []
    assert TermIndex.build([["renal"]]).find(normal_words("")) == []
    assert len(TermIndex.build([["w"] * (MAX_WORDS + 1), []])) == 0
    many = TermIndex.build([["renal", "failure"]]).find(normal_words("renal failure " * 10_000))
    assert len(many) > 9_000
    assert np.all(np.diff([m.first for m in many]) > 0)
