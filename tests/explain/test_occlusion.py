from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError, InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.note import Note
from icdcoder.core.prediction import CoderName, Prediction
from icdcoder.explain import occlusion
from icdcoder.explain.occlusion import explain

NAME = CoderName("spotting", "1")
A, B = Code("icd10cm", "A41.9"), Code("icd10cm", "I10")


@dataclass
class Spotting:
    """Probability of a code: the sum of the weights of its words that the note holds."""

    words: dict[Code, dict[str, float]]
    name: CoderName = NAME
    scored: list[int] = field(default_factory=list)

    @property
    def space(self) -> LabelSpace:
        return LabelSpace(self.words)

    def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
        raise NotImplementedError

    def probabilities(self, notes: Sequence[Note]) -> np.ndarray:
        self.scored.append(len(notes))
        rows = [
            [sum(weight for word, weight in words.items() if word in note.text) for words in self.words.values()]
            for note in notes
        ]
        return np.array(rows, dtype=np.float32)


def note(size: int, **placed: int) -> Note:
    words = [f"w{i}" for i in range(size)]
    for word, place in placed.items():
        words[place] = word
    return Note("n", "\t".join(words))


CODER = Spotting({A: {"sepsis": 0.6, "lactate": 0.2}, B: {"hypertension": 0.9}})


def test_the_windows_that_matter_are_found_heaviest_first() -> None:
    text = note(100, sepsis=40, lactate=80, hypertension=41)
    found = explain(CODER, text, [B, A])
    assert list(found) == [B, A]
    assert [round(e.score or 0, 3) for e in found[A]] == [0.6, 0.2]
    assert "sepsis" in found[A][0].text
    assert "lactate" in found[A][1].text
    assert [e.text for e in found[B]] == [found[A][0].text]  # the two words share a window
    for e in (*found[A], *found[B]):
        assert e.text == text.text[e.start : e.end]
        assert len(e.text.split()) <= occlusion.WORDS
        assert e.method == "occlusion"


def test_spans_are_limited() -> None:
    assert len(explain(CODER, note(100, sepsis=40, lactate=80), [A], spans=1)[A]) == 1


@pytest.mark.parametrize(("size", "windows"), [(5000, 40), (3, 40), (47, 7)])
def test_the_number_of_windows_is_bounded(size: int, windows: int) -> None:
    coder = Spotting({A: {"sepsis": 0.6}})
    found = explain(coder, note(size, sepsis=size - 1), [A], windows=windows)
    assert "sepsis" in found[A][0].text
    assert sum(coder.scored) <= windows + 1
    assert max(coder.scored) <= occlusion.TOGETHER


def test_a_probability_that_no_window_moves_has_no_evidence() -> None:
    assert explain(CODER, note(50), [A, B]) == {A: (), B: ()}
    faint = Spotting({A: {"sepsis": 0.9, "fever": 0.04, "cough": 0.009}})
    found = explain(faint, note(60, sepsis=10, fever=30, cough=50), [A])[A]
    assert [e.score for e in found] == [pytest.approx(0.9)]


def test_an_empty_note_and_no_codes() -> None:
    assert explain(CODER, Note("n", "  \n "), [A]) == {A: ()}
    assert explain(CODER, note(10, sepsis=1), []) == {}


def test_what_cannot_be_explained_is_said() -> None:
    with pytest.raises(InputError, match=r"does not hold icd10cm:Z00\.00"):
        explain(CODER, note(5), [Code("icd10cm", "Z00.00")])

    class Plain:
        name = CoderName("dictionary", "1")

        def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
            raise NotImplementedError

    with pytest.raises(ConfigError, match="'dictionary' gives no probabilities"):
        explain(Plain(), note(5), [A])
