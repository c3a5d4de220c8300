"""A note as the ranker sees it: its words, plain and with what is asserted of them, and the dictionary's candidates.

Where a word stands matters as much as what is asserted of it: what an indication asks about, the impression answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from icdcoder.core.note import Note
from icdcoder.text.assertion import Assertions
from icdcoder.text.normal_form import NormalWords, normal_words
from icdcoder.text.sections import split

if TYPE_CHECKING:
    from icdcoder.core.code import Code
    from icdcoder.predictors.dictionary.editions import OlderEdition
    from icdcoder.predictors.dictionary.scoring import Candidate
    from icdcoder.predictors.lexicon import LexiconPredictor

# Statuses under which a word counts as another word: "no fever" is not fever.
_OTHER_WORD = frozenset(("negated", "family", "hypothetical", "uncertain", "historical"))


@dataclass(frozen=True, slots=True)
class ReadNote:
    """words: normal forms with offsets into the note. scoped: the same words, marked where they are not affirmed.
    placed: the scoped words, marked with their section. concepts: what the dictionary's mentions say, one word each,
    breaks between them. candidates, features: the dictionary's, "candidate feature"."""

    note: Note
    words: NormalWords = field(repr=False)
    scoped: list[str] = field(repr=False)
    placed: list[str] = field(repr=False)
    concepts: list[str] = field(repr=False)
    candidates: list[Candidate] = field(repr=False)
    features: npt.NDArray[np.float32] = field(repr=False)

    @property
    def everything(self) -> list[str]:
        """All views of the note one after the other, with breaks between them."""
        return [*self.words.words, "", *self.scoped, "", *self.placed, "", *self.concepts]


def read(note: Note, dictionary: LexiconPredictor) -> ReadNote:
    words = normal_words(note.text)
    sections = split(note.text)
    assertions = Assertions(note.text, sections)
    scoped, placed = [], []
    where = 0
    for word, (start, end) in zip(words.words, words.offsets.tolist(), strict=True):
        status = assertions.of(start, end).status if word else ""
        scoped.append(f"{status} {word}" if status in _OTHER_WORD else word)
        while where + 1 < len(sections) and sections[where].end <= start:
            where += 1
        placed.append(f"{sections[where].kind}: {word}" if word else "")
    found = _of_edition(dictionary.candidates(note), dictionary.older)
    return ReadNote(note, words, scoped, placed, _concepts(found), found, dictionary.features(note, found))


def _concepts(candidates: list[Candidate]) -> list[str]:
    """Each mentioned code with its status, with its status and section, and its category with these."""
    found: dict[str, None] = {}
    for one in candidates:
        for mention in one.mentions:
            for name in (f"{one.code} {mention.status}", f"{one.code} {mention.status} {mention.section}"):
                found[name] = None
            found[f"{one.category} {mention.status} {mention.section}"] = None
    return [part for name in found for part in (name, "")]


def _of_edition(candidates: list[Candidate], older: OlderEdition) -> list[Candidate]:
    """The candidates under the codes of an older edition; where it had one code for several, the best of them."""
    found: dict[Code, Candidate] = {}
    for candidate in candidates:
        code = older.code(candidate.code)
        found.setdefault(code, candidate if code == candidate.code else replace(candidate, code=code))
    return list(found.values())
