"""Mentions: where a note says something that a code stands for, in which section, and whether it is asserted."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from icdcoder.core.note import Note
from icdcoder.predictors.dictionary.compiled import Dictionary, Sense
from icdcoder.predictors.dictionary.terms import Source
from icdcoder.predictors.dictionary.words import TermWords, term_words
from icdcoder.text.assertion import Assertions
from icdcoder.text.clean import clean
from icdcoder.text.sections import split
from icdcoder.text.term_index import Match

# Abbreviations with a vowel that are written in small letters too, and are no English words.
_SMALL_TOO = frozenset(
    """
    aaa afib aki ards arf bka aka cabg cad chf copd cva cvas dka ekg esrd etoh gerd gib icd icu ida iddm niddm iugr
    lbbb mets mrsa nstemi osa pna pvd ra rsv scd stemi tia tias uri uti utis vfib vtach
    """.split()
)
_VOWEL = re.compile("[aeiouy]")
# A term that goes over a comma or a bracket is a looser reading, like one with a word in between.
_ASIDE = re.compile("[,()]")
# A term does not reach over these words.
_BARRIERS = frozenset(
    """
    no not without denied denies deny negative never nor but however although except although absence ruled rule versus
    vs who he she then after before when while until if either
    """.split()
)
MOST_GAPS = 2
# Letters apart ("H/A", "N/V") are an abbreviation only in capitals.
_SHORT = 4


@dataclass(frozen=True, slots=True)
class Mention:
    """One term in the note. start, end: into the text as the user sent it. senses: best first, never empty.

    gaps: words inside that are not the term's, and one more where it goes over a comma or a bracket.
    nested: the term stands inside a longer one.
    """

    start: int
    end: int
    senses: tuple[Sense, ...]
    status: str
    section: str
    gaps: int = 0
    nested: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a note is looked at besides its words; a switch that is off is for ablations."""

    assertion: bool = True
    sections: bool = True
    gaps: bool = True


def mentions(note: Note, dictionary: Dictionary, reading: Reading | None = None) -> list[Mention]:
    """Every mention in reading order."""
    reading = reading or Reading()
    cleaned = clean(note)
    text = cleaned.text
    sections = split(text) if reading.sections else []
    assertions = Assertions(text, sections) if reading.assertion else None
    words = term_words(text, dictionary.spelling.corrected)
    shouting = _mostly_capitals(text)
    found = []
    where = 0
    silent: list[Match] = []
    for match in _matches(words, dictionary, MOST_GAPS if reading.gaps else 0):
        start, end = int(words.words.offsets[match.first, 0]), int(words.words.offsets[match.last, 1])
        senses = dictionary.senses(match.term)
        if not senses:
            silent.append(match)
            continue
        if match.nested and any(s.first <= match.first and match.last <= s.last for s in silent[-3:]):
            continue
        senses = _chosen(dictionary, senses, words.side(match.first, match.last))
        senses = [s for s in senses if _written_so(s, text[start:end], shouting)]
        if not senses:
            continue
        while where + 1 < len(sections) and sections[where].end <= start:
            where += 1
        span = cleaned.to_source(start, end)
        status = assertions.of(start, end).status if assertions else "affirmed"
        kind = sections[where].kind if sections else "other"
        gaps = match.gaps + bool(_ASIDE.search(text, start, end))
        found.append(Mention(*span, tuple(senses), status, kind, gaps, match.nested))
    return found


def _matches(words: TermWords, dictionary: Dictionary, gaps: int) -> list[Match]:
    """Matches by their first word, a longer one before those inside it. One with gaps is left out where it goes over
    a word that ends a statement, or from one term into the next ("cancer of the lung, liver metastases")."""
    matches = dictionary.index.find(words.words, gaps=gaps, nested=True)
    term_at: dict[int, int] = {}
    for match in matches:
        if not match.gaps and not match.nested and match.last > match.first:
            term_at.update(dict.fromkeys(range(match.first, match.last + 1), match.first))
    found = []
    for match in matches:
        if match.gaps:
            one, two = term_at.get(match.first), term_at.get(match.last)
            if one is not None and two is not None and one != two:
                continue
            if not _BARRIERS.isdisjoint(words.words.words[match.first + 1 : match.last]):
                continue
        found.append(match)
    return sorted(found, key=lambda m: (m.first, -m.last, m.gaps))


def _chosen(dictionary: Dictionary, senses: list[Sense], side: int) -> list[Sense]:
    """The senses that fit the side; those of another side only say what is possible and are left out."""
    fitting = [s for s in senses if s.side == side] or [s for s in senses if s.side == 0]
    if side:
        fitting = [replace(s, code=dictionary.on_side(s.code, side)) for s in fitting]
    return sorted(fitting, key=lambda s: s.source)


def _written_so(sense: Sense, text: str, shouting: bool) -> bool:
    """Whether an abbreviation is written as one: "GAVE" and "PsA", but not "gave" and "Does"."""
    if sense.source != Source.ABBREVIATION:
        return True
    capitals = sum(map(str.isupper, text))
    if sense.words > 1:
        return capitals > 1 or len(text) > _SHORT
    if not shouting and (capitals >= 2 or text.isupper()):
        return True
    lower = text.lower()
    return lower in _SMALL_TOO or (len(lower) > 2 and not _VOWEL.search(lower))


def _mostly_capitals(text: str) -> bool:
    letters = sum(map(str.isalpha, text[:4000]))
    return letters > 0 and sum(map(str.isupper, text[:4000])) > 0.6 * letters
