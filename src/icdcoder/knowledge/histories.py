"""Conditions of the past and of the family: the code for having had a condition, or for a relative's (Z80-Z87, I25.2).

The ranges are those under "History, personal" and "History, family" of ICD-10-CM's index, as data
(knowledge/data/histories.tsv).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from icdcoder.core.code import Code
from icdcoder.knowledge.shipped import rows

TABLE = "histories.tsv"
Whose = Literal["personal", "family"]


@lru_cache(maxsize=50_000)
def history_of(code: Code, whose: Whose) -> Code | None:
    """The code for a history of this condition; None where there is none, or where the past says nothing new."""
    if code.system != "icd10cm":
        return None
    for listed, first, last, history in _rows():
        if listed == whose and (first <= code.value[: len(first)] <= last):
            return history
    return None


@lru_cache(maxsize=1)
def _rows() -> tuple[tuple[str, str, str, Code], ...]:
    """(whose, first and last beginning of a range, code), in the order of the file."""
    found = []
    for whose, ranges, history in rows(TABLE):
        for one in ranges.split():
            first, _, last = one.partition("-")
            found.append((whose, first, last or first, Code("icd10cm", history)))
    return tuple(found)
