"""A note as the ranker sees it: its words, plain and with what is asserted of them, and the dictionary's candidates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from icdcoder.core.note import Note
from icdcoder.text.assertion import Assertions
from icdcoder.text.normal_form import NormalWords, normal_words
from icdcoder.text.sections import split

if TYPE_CHECKING:
    from icdcoder.predictors.dictionary.scoring import Candidate
    from icdcoder.predictors.lexicon import LexiconPredictor

# Statuses under which a word counts as another word: "no fever" is not fever.
_OTHER_WORD = frozenset(("negated", "family", "hypothetical", "uncertain", "historical"))


@dataclass(frozen=True, slots=True)
class ReadNote:
    """words: normal forms with offsets into the note. scoped: the same words, marked where they are not affirmed.
    candidates, features: the dictionary's, "candidate feature"."""

    note: Note
    words: NormalWords = field(repr=False)
    scoped: list[str] = field(repr=False)
    candidates: list[Candidate] = field(repr=False)
    features: npt.NDArray[np.float32] = field(repr=False)


def read(note: Note, dictionary: LexiconPredictor) -> ReadNote:
    words = normal_words(note.text)
    assertions = Assertions(note.text, split(note.text))
    scoped = []
    for word, (start, end) in zip(words.words, words.offsets.tolist(), strict=True):
        status = assertions.of(start, end).status if word else ""
        scoped.append(f"{status} {word}" if status in _OTHER_WORD else word)
    found = dictionary.candidates(note)
    return ReadNote(note, words, scoped, found, dictionary.features(note, found))
