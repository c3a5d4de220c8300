"""A sampler keeps its budget and says what it leaves out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.core.prediction import Span
from icdcoder.text.sample import Sampler, head, together, unread
from icdcoder.text.sections import split
from icdcoder.text.tokens import words

TEXTS = st.lists(st.sampled_from(["no", "fever", "1", "PLAN:", "\n", ","]), max_size=40).map(" ".join)


def test_head_keeps_the_first() -> None:
    text = "one two three four, five."
    found = head(words(text), 2)
    assert found.kept.tolist() == [0, 1]
    assert found.left_unread == (Span(8, 24, "past the budget of 2 tokens"),)
    assert text[8:24] == "three four, five"


@given(TEXTS, st.integers(0, 50))
def test_what_is_read_and_what_is_not_is_all_there_is(text: str, budget: int) -> None:
    sampler: Sampler = head
    tokens = words(text)
    found = sampler(tokens, budget, split(text))
    assert len(found.kept) == min(budget, len(tokens))
    assert (np.diff(found.kept) > 0).all()
    left = {i for i, (s, e) in enumerate(tokens.offsets) if any(x.start <= s and e <= x.end for x in found.left_unread)}
    assert left == set(range(len(tokens))) - set(found.kept.tolist())


@given(st.sets(st.integers(0, 9)))
def test_each_run_that_is_not_kept_is_one_span(kept: set[int]) -> None:
    tokens = words(" ".join("abcdefghij"))
    spans = unread(tokens, np.array(sorted(kept), dtype=np.int64), "why")
    covered = {i for i in range(10) for span in spans if span.start <= 2 * i < span.end}
    assert covered == set(range(10)) - kept
    assert all(a.end + 1 < b.start for a, b in pairwise(spans))


def test_what_several_leave_out_is_left_out_by_any_of_them() -> None:
    first, second, third = Span(0, 4, "a"), Span(2, 6, "b"), Span(8, 9, "c")
    assert together((first, third), (second,)) == (Span(0, 6, "a"), third)
    assert together((), (first,), (first,)) == (first,)
    assert together() == ()
