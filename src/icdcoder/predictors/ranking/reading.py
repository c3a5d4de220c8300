"""A note as the ranker sees it: its words, plain and with what is asserted of them, and the dictionary's candidates.

Where a word stands matters as much as what is asserted of it: what an indication asks about, the impression answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from icdcoder.core.note import Note
from icdcoder.predictors.ranking.descriptions import Rarity
from icdcoder.text.assertion import Assertions
from icdcoder.text.normal_form import NormalWords, normal_words
from icdcoder.text.sections import split

if TYPE_CHECKING:
    from icdcoder.core.code import Code
    from icdcoder.predictors.dictionary.candidates.scoring import Candidate
    from icdcoder.predictors.dictionary.editions import OlderEdition
    from icdcoder.predictors.lexicon import LexiconPredictor

# Statuses under which a word counts as another word: "no fever" is not fever.
_OTHER_WORD = frozenset(("negated", "family", "hypothetical", "uncertain", "historical"))


@dataclass(frozen=True, slots=True)
class ReadNote:
    """words: normal forms with offsets into the note. scoped: the same words, marked where they are not affirmed.
    placed: the scoped words, marked with their section. concepts: what the dictionary's mentions say, one word each,
    breaks between them; asserted, believed: the same said in other ways. candidates, features: the dictionary's,
    "candidate feature". described: content words of each candidate's description."""

    note: Note
    words: NormalWords = field(repr=False)
    scoped: list[str] = field(repr=False)
    placed: list[str] = field(repr=False)
    concepts: list[str] = field(repr=False)
    asserted: list[str] = field(repr=False)
    believed: list[str] = field(repr=False)
    candidates: list[Candidate] = field(repr=False)
    features: npt.NDArray[np.float32] = field(repr=False)
    described: list[frozenset[str]] = field(repr=False)

    @property
    def everything(self) -> list[str]:
        """All views of the note one after the other, with breaks between them."""
        return [*self.words.words, "", *self.scoped, "", *self.placed, "", *self.concepts]

    @property
    def views(self) -> list[list[str]]:
        """Everything; what is asserted and where, of each code apart; how far the dictionary believes in each code."""
        return [self.everything, self.asserted, self.believed]


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
    described = [dictionary.descriptions.said(candidate.code) for candidate in found.values()]
    own = [candidate if candidate.code == code else replace(candidate, code=code) for code, candidate in found.items()]
    said = (_concepts(own), _asserted(own), _believed(own))
    return ReadNote(note, words, scoped, placed, *said, own, dictionary.features(note, own), described)


def rarity(dictionary: LexiconPredictor) -> Rarity:
    """How rare words are in the descriptions of all codes that the dictionary knows (some seconds)."""
    from icdcoder.predictors.dictionary.candidates.scoring import Descriptions

    # Not the dictionary's own, which would keep the words of every code.
    said = Descriptions(dictionary.systems).said
    return Rarity.of_descriptions(said(code) for system in dictionary.systems.values() for code in system.codes())


def _concepts(candidates: list[Candidate]) -> list[str]:
    """Each mentioned code with its status, with its status and section, and its category with these."""
    found: list[str] = []
    for one in candidates:
        for mention in one.mentions:
            found += (f"{one.code} {mention.status}", f"{one.code} {mention.status} {mention.section}")
            found.append(f"{one.category} {mention.status} {mention.section}")
    return _apart(found)


def _asserted(candidates: list[Candidate]) -> list[str]:
    """Each mentioned code with its status, with its section, and its category with its status."""
    found: list[str] = []
    for one in candidates:
        for mention in one.mentions:
            found += (f"{one.code} {mention.status}", f"{one.code} {mention.section}")
            found.append(f"{one.category} {mention.status}")
    return _apart(found)


def _believed(candidates: list[Candidate]) -> list[str]:
    """Each code alone, with whether the dictionary accepts it, and with status and section of its mentions."""
    from icdcoder.predictors.dictionary.candidates.scoring import ACCEPTED

    found: list[str] = []
    for one in candidates:
        found += (str(one.code), f"{one.code} {'likely' if one.score >= ACCEPTED else 'unlikely'}")
        found += (f"{one.code} {mention.status} {mention.section}" for mention in one.mentions)
    return _apart(found)


def _apart(found: list[str]) -> list[str]:
    """Each name once, as a word between breaks."""
    return [part for name in dict.fromkeys(found) for part in (name, "")]


def _of_edition(candidates: list[Candidate], older: OlderEdition) -> dict[Code, Candidate]:
    """The candidates by their code of an older edition; where it had one code for several, the best of them."""
    found: dict[Code, Candidate] = {}
    for candidate in candidates:
        found.setdefault(older.code(candidate.code), candidate)
    return found
