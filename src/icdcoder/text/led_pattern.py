"""Regular expressions that begin with, or hold, one of a few wordings, which are looked for as plain text first.

An expression that ignores case and tries every place of a note costs fifty times the look for a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
        for start in sorted({start for lead in self.leads for start in _places(small, lead)}):
            if start >= free and (match := self.pattern.match(text, start)):
                free = match.end()
                yield match


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


def in_small_letters(text: str) -> str:
    """Each character in its place: one whose small form is longer stays as it is."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(one if len(one.lower()) > 1 else one.lower() for one in text)


def _places(text: str, wording: str) -> Iterator[int]:
    start = text.find(wording)
    while start >= 0:
        yield start
        start = text.find(wording, start + 1)
