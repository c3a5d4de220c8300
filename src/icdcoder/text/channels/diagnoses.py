"""The diagnoses that a note lists under a heading of its own: which of them each token belongs to, counted from 1."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from icdcoder.text import sections

KINDS = frozenset({"discharge_diagnosis"})
# One diagnosis ends with its line, at a semicolon, and before the number of the next. One that has a number goes on
# over lines that have none, as long as these are no heading, no bullet and not empty.
_NUMBER = r"\d{1,2}[.)]\s"
_REST = rf"(?!\s{_NUMBER})[^\n;]"
_NEXT_LINE = rf"\n(?=[ \t]*[^\s])(?![ \t]*(?:{_NUMBER}|[-*•#]|[^\n:]{{1,40}}:))"
_ITEM = re.compile(rf"\d{{1,2}}[.)][ \t]+(?:{_REST}|{_NEXT_LINE})+|(?:{_REST})+")


def of(text: str, offsets: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """One number a token; all 0 in a note without such a list. Lines without a token are not counted."""
    found = np.zeros(len(offsets), dtype=np.int32)
    starts = offsets[:, 0]
    item = 0
    for start, end in _items(text):
        first, last = np.searchsorted(starts, (start, end))
        if first < last:
            item += 1
            found[first:last] = item
    return found


def _items(text: str) -> Iterator[tuple[int, int]]:
    for section in sections.split(text):
        if section.kind in KINDS:
            for match in _ITEM.finditer(text, section.body_start, section.end):
                yield match.span()
