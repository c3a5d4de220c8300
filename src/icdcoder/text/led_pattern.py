"""Regular expressions that begin with, or hold, one of a few wordings, which are looked for as plain text first.

An expression that ignores case and tries every place of a note costs fifty times the look for a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class LedPattern:
    """leads: in small letters; every match of `pattern`, in small letters, begins with one of them."""

    pattern: re.Pattern[str]
    leads: tuple[str, ...]

    def finditer(self, text: str, small: str) -> Iterator[re.Match[str]]:
        """Those of `pattern.finditer(text)`. small: the text `in_small_letters`."""
        free = 0
        for start in sorted(_all_places(small, self.leads)):
            if start >= free and (match := self.pattern.match(text, start)):
                free = match.end()
                yield match


@dataclass(frozen=True, slots=True)
class CuedPattern:
    """cues: in small letters; every match of `pattern`, in small letters, holds one of them, and is shorter than
    `reach` with what it looks at on either side."""

    pattern: re.Pattern[str]
    cues: tuple[str, ...]
    reach: int = 300

    def finditer(self, text: str, small: str) -> Iterator[re.Match[str]]:
        """Those of `pattern.finditer(text)`. small: the text `in_small_letters`."""
        for start, end in _parts(sorted(_all_places(small, self.cues)), self.reach):
            yield from self.pattern.finditer(text, start, min(end, len(text)))


def holds_one(text: str, cues: tuple[str, ...]) -> bool:
    """Whether one of the cues, in small letters, stands in the text, however it is written."""
    small = _small(text)
    # No generator: most notes hold no cue of most themes, and all are looked for.
    for cue in cues:  # noqa: SIM110
        if cue in small:
            return True
    return False


@lru_cache(maxsize=4)
def _small(text: str) -> str:
    """Each theme asks for the small letters of the same note."""
    return text.lower()


@lru_cache(maxsize=4)
def in_small_letters(text: str) -> str:
    """Each character in its place: one whose small form is longer stays as it is."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(one if len(one.lower()) > 1 else one.lower() for one in text)


def _parts(places: Iterable[int], reach: int) -> Iterator[tuple[int, int]]:
    """What lies within reach of the places, which rise, in parts that do not touch."""
    start = end = -1
    for at in places:
        if at - reach > end:
            if end >= 0:
                yield start, end
            start = max(0, at - reach)
        end = at + reach
    if end >= 0:
        yield start, end


def _all_places(text: str, wordings: Iterable[str]) -> set[int]:
    """Where any of the wordings begins."""
    places: set[int] = set()
    for wording in wordings:
        at = text.find(wording)
        while at >= 0:
            places.add(at)
            at = text.find(wording, at + 1)
    return places
