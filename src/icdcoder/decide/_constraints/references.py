"""The codes that a note of the tabular list names: "(E08.-)", "(J70.2-J70.4)", "(O10-O11, O13-O16)"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_CODE = r"[A-TV-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?"
_REFERENCE = re.compile(rf"\b(?P<first>{_CODE})-?(?:(?<=-)(?P<last>{_CODE}))?(?![0-9A-Za-z]|\.[0-9A-Z])")
_IN_BRACKETS = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Reference:
    """Codes from `first` to `last`, and all below either; last == first for a single code with what is below it."""

    first: str
    last: str

    def covers(self, value: str) -> bool:
        return value.startswith((self.first, self.last)) or self.first <= value <= self.last


@lru_cache(maxsize=20_000)
def references(note: str) -> tuple[Reference, ...]:
    """In the order of the note's text; () where it names none. Outside of brackets, "B12" is no code, "E72.4" is."""
    inside = [match.span() for match in _IN_BRACKETS.finditer(note)]
    return tuple(
        Reference(m["first"], m["last"] or m["first"])
        for m in _REFERENCE.finditer(note)
        if "." in m["first"] or any(start < m.start() < end for start, end in inside)
    )


def referred(notes: Iterable[str]) -> tuple[Reference, ...]:
    """Those of all the notes."""
    return tuple(reference for note in notes for reference in references(note))


def names(found: Iterable[Reference], value: str) -> bool:
    """Whether one of them covers the code."""
    return any(reference.covers(value) for reference in found)
