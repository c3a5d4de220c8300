"""Mentions: where a note says something that a code stands for, in which section, and whether it is asserted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from icdcoder.core.note import Note
from icdcoder.predictors.dictionary.compiled import SIDES, Dictionary, Sense
from icdcoder.predictors.dictionary.terms import Source
from icdcoder.text.assertion import Assertions
from icdcoder.text.clean import clean
from icdcoder.text.normal_form import NormalWords, normal_words
from icdcoder.text.sections import Section, split

# Abbreviations with a vowel that are written in small letters too, and are no English words.
_SMALL_TOO = frozenset(
    """
    aaa afib aki ards arf bka aka cabg cad chf copd cva cvas dka ekg esrd etoh gerd gib icd icu ida iddm niddm iugr
    lbbb mets mrsa nstemi osa pna pvd ra rsv scd stemi tia tias uri uti utis vfib vtach
    """.split()
)
_VOWEL = re.compile("[aeiouy]")


@dataclass(frozen=True, slots=True)
class Mention:
    """One term in the note. start, end: into the text as the user sent it. senses: best first, never empty."""

    start: int
    end: int
    senses: tuple[Sense, ...]
    status: str
    section: str


def mentions(note: Note, dictionary: Dictionary) -> list[Mention]:
    """Every mention in reading order."""
    cleaned = clean(note)
    text = cleaned.text
    sections = split(text)
    assertions = Assertions(text, sections)
    words, sides = _without_sides(normal_words(text))
    shouting = _mostly_capitals(text)
    found = []
    where = 0
    for match in dictionary.index.find(words):
        start, end = int(words.offsets[match.first, 0]), int(words.offsets[match.last, 1])
        senses = _chosen(dictionary.senses(match.term), _side(sides, match.first, match.last))
        senses = [s for s in senses if _written_so(s, text[start:end], shouting)]
        if not senses:
            continue
        while where + 1 < len(sections) and sections[where].end <= start:
            where += 1
        source_start, source_end = cleaned.to_source(start, end)
        status = assertions.of(start, end).status
        found.append(Mention(source_start, source_end, tuple(senses), status, _kind(sections, where)))
    return found


def _kind(sections: list[Section], where: int) -> str:
    return sections[where].kind if sections else "other"


def _without_sides(note: NormalWords) -> tuple[NormalWords, dict[int, int]]:
    """The words without "left", "right" …, and {position among the words kept: side that stands before it}."""
    kept, sides = [], {}
    for i, word in enumerate(note.words):
        if word in SIDES:
            sides[len(kept)] = SIDES[word]
        else:
            kept.append(i)
    return NormalWords([note.words[i] for i in kept], note.offsets[kept]), sides


def _side(sides: dict[int, int], first: int, last: int) -> int:
    """The side named inside a match, just before it, or just after it."""
    for position in (*range(first, last + 2), first - 1):
        if position in sides:
            return sides[position]
    return 0


def _chosen(senses: list[Sense], side: int) -> list[Sense]:
    """The senses that fit the side; those of another side only say what is possible and are left out."""
    fitting = [s for s in senses if s.side == side] or [s for s in senses if s.side == 0]
    return sorted(fitting, key=lambda s: s.source)


def _written_so(sense: Sense, text: str, shouting: bool) -> bool:
    """Whether an abbreviation is written as one: "GAVE" and "PsA", but not "gave" and "Does"."""
    if sense.source != Source.ABBREVIATION or sense.words > 1:
        return True
    capitals = sum(map(str.isupper, text))
    if not shouting and (capitals >= 2 or text.isupper()):
        return True
    lower = text.lower()
    return lower in _SMALL_TOO or (len(lower) > 2 and not _VOWEL.search(lower))


def _mostly_capitals(text: str) -> bool:
    letters = sum(map(str.isalpha, text[:4000]))
    return letters > 0 and sum(map(str.isupper, text[:4000])) > 0.6 * letters
