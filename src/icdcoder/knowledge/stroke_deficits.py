"""What a stroke may leave behind, with the codes of ICD-10-CM for sequelae of cerebrovascular disease (I69)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from icdcoder.knowledge.shipped import rows

TABLE = "stroke_deficits.tsv"
# Both are hemiparesis where a side is told (Coding Clinic 2015, first quarter).
_OF_A_SIDE = r"(?:sided? )?(?:weakness|paralysis)"
_SIDE = r"\b(?:(?P<side>right|left|bilateral|R|L)(?:[ -]sided?)?[ -])?"


@dataclass(frozen=True, slots=True)
class Deficit:
    """ending: of the code, behind that for the kind of stroke; x: the character for the side."""

    ending: str
    words: re.Pattern[str]


@lru_cache(maxsize=1)
def deficits() -> tuple[Deficit, ...]:
    """Each with the side that stands before it, in the order of the data file."""
    found = []
    for ending, words in rows(TABLE):
        found.append(Deficit(ending, re.compile(rf"{_SIDE}(?:{words})\b", re.IGNORECASE)))
    found.append(Deficit("5x", re.compile(rf"{_SIDE[:-1]}{_OF_A_SIDE}\b", re.IGNORECASE)))
    found.append(Deficit("98", re.compile(r"weakness\b", re.IGNORECASE)))
    return tuple(found)
