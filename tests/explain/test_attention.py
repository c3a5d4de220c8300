from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError
from icdcoder.core.note import Note
from icdcoder.core.prediction import CoderName, Prediction
from icdcoder.explain.attention import LONGEST, explain

NAME = CoderName("attending", "1")
A, B = Code("icd10cm", "I10"), Code("icd10cm", "J18.9")


@dataclass
class Attending:
    """Attends to the tokens of a note (words) with given weights, one row a code."""

    weights: Sequence[Sequence[float]]
    name: CoderName = NAME

    def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
        raise NotImplementedError

    def attention(self, note: Note, codes: Sequence[Code]) -> tuple[np.ndarray, np.ndarray]:
        offsets = np.array([m.span() for m in re.finditer(r"\w+", note.text)], dtype=np.int64).reshape(-1, 2)
        rows = np.array(self.weights, dtype=np.float32).reshape(len(codes), len(offsets))
        return rows, offsets


def weights(size: int, peaks: dict[int, float]) -> list[float]:
    rest = (1 - sum(peaks.values())) / (size - len(peaks))
    return [peaks.get(i, rest) for i in range(size)]


TEXT = "zero one two three four five six seven eight nine " * 4
NOTE = Note("n", TEXT)


def spans(row: list[float], **settings: float) -> list[tuple[str, float]]:
    found = explain(Attending([row]), NOTE, [A], **settings)[A]  # type: ignore[arg-type]
    assert all(e.text == NOTE.text[e.start : e.end] and e.method == "attention" for e in found)
    return [(e.text, round(e.score or 0, 4)) for e in found]


def test_neighbours_across_one_token_make_one_span_whose_score_is_its_mass() -> None:
    row = weights(40, {3: 0.3, 5: 0.2, 12: 0.25})
    film = 0.25 / 37
    assert spans(row) == [("three four five", pytest.approx(0.5 + film, abs=1e-4)), ("two", 0.25)]


def test_two_light_tokens_between_part_two_spans() -> None:
    assert [text for text, _ in spans(weights(40, {3: 0.4, 6: 0.3}))] == ["three", "six"]


def test_at_most_so_many_spans_the_heaviest_first() -> None:
    row = weights(40, {0: 0.1, 10: 0.15, 20: 0.25, 30: 0.2})
    assert [mass for _, mass in spans(row, spans=2)] == [0.25, 0.2]
    assert len(spans(row, spans=9)) == 4
    assert spans(row, spans=0) == []


def test_share_asks_a_further_span_for_a_part_of_the_highest_peak() -> None:
    row = weights(40, {3: 0.5, 20: 0.12})
    assert len(spans(row, share=0.2)) == 2
    assert len(spans(row, share=0.3)) == 1


def test_attention_spread_evenly_is_no_evidence() -> None:
    assert spans([1 / 40] * 40) == []
    assert spans(weights(40, {7: 2.9 / 40})) == []
    assert len(spans(weights(40, {7: 3.1 / 40}))) == 1


def test_every_code_has_an_entry() -> None:
    found = explain(Attending([weights(40, {3: 0.9}), [1 / 40] * 40]), NOTE, [A, B])
    assert [e.text for e in found[A]] == ["three"]
    assert found[B] == ()
    assert explain(Attending([]), NOTE, []) == {}


def test_notes_of_no_one_and_two_tokens() -> None:
    assert explain(Attending([[]]), Note("n", " \n"), [A]) == {A: ()}
    assert [e.text for e in explain(Attending([[1.0]]), Note("n", " sepsis."), [A])[A]] == ["sepsis"]
    assert explain(Attending([[0.5, 0.5]]), Note("n", "no sepsis"), [A]) == {A: ()}
    assert [e.text for e in explain(Attending([[0.1, 0.9]]), Note("n", "no sepsis"), [A])[A]] == ["sepsis"]


@given(st.integers(0, 100_000), st.integers(1, 120), st.integers(1, 6), st.floats(0.05, 3.0))
def test_spans_are_readable_apart_and_hold_no_more_than_all(seed: int, size: int, most: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    note = Note("n", "\r\n".join(f"wörd{i}" for i in range(size)))
    row = rng.dirichlet(np.full(size, spread)).astype(np.float32)
    found = explain(Attending([row.tolist()]), note, [A], spans=most)[A]
    assert len(found) <= most
    assert all(e.text == note.text[e.start : e.end] for e in found)
    assert all(len(e.text.split()) <= LONGEST for e in found)
    scores = [e.score or 0.0 for e in found]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) <= 1 + 1e-5
    inside = sorted((e.start, e.end) for e in found)
    assert all(a[1] <= b[0] for a, b in pairwise(inside))
    if found:
        # The heaviest token is always part of what is shown.
        heaviest = f"wörd{int(row.argmax())}"
        assert any(heaviest in e.text.split() for e in found)


def test_a_span_does_not_grow_over_another() -> None:
    # Token 4 is a span of its own; 3 and 5 are too light to join it but would reach each other across it.
    row = weights(40, {4: 0.6, 3: 0.1, 5: 0.1, 2: 0.08, 6: 0.08})
    found = explain(Attending([row]), NOTE, [A], spans=5, share=0.1)[A]
    inside = sorted((e.start, e.end) for e in found)
    assert len(found) == 3
    assert all(a[1] <= b[0] for a, b in pairwise(inside))


def test_a_coder_without_attention_names_another_method() -> None:
    class Plain:
        name = CoderName("dictionary", "1")

        def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
            raise NotImplementedError

    with pytest.raises(ConfigError, match=r"'dictionary' has no attention.*'occlusion'"):
        explain(Plain(), NOTE, [A])
