"""What a note may say apart from the name of a condition, and the more exact code of ICD-10-CM that it then has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from icdcoder.knowledge.shipped import rows

TABLE = "qualifiers.tsv"
SIDES = ("right", "left")


@dataclass(frozen=True, slots=True)
class Qualifier:
    """codes: matches the codes to which it applies, whole. words: what a statement says. exact: the code for both, as
    `re.Match.expand` takes it."""

    codes: re.Pattern[str]
    words: re.Pattern[str]
    exact: str


@lru_cache(maxsize=1)
def qualifiers() -> tuple[Qualifier, ...]:
    """In the order of the data file, a line about sides as two."""
    found = []
    for codes, words, exact in rows(TABLE):
        for number, side in enumerate(SIDES, 1) if "{side}" in words else ((0, ""),):
            said = words.replace("{side}", rf"\b(?:{side}|{side[:1].upper()}t?)\b" if side else "")
            exactly = exact.replace("{side}", str(number))
            found.append(Qualifier(re.compile(codes), re.compile(said, re.IGNORECASE), exactly))
    return tuple(found)
