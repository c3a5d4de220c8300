"""Conditions in pregnancy, childbirth and the puerperium: the codes of chapter 15 of ICD-10-CM for them, as data."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

from icdcoder.core.code import Code
from icdcoder.knowledge.shipped import rows

TABLE = "chapter15.tsv"
Period = Literal["first", "second", "third", "pregnancy", "childbirth", "puerperium"]
"""A trimester, a pregnancy of which it is not known, and the rest."""
_TRIMESTERS = {"first": "1", "second": "2", "third": "3"}
# Those without a trimester.
_WHOLE = {"O34.21": "O34.219", "O99.82": "O99.820"}


class Complicating(NamedTuple):
    """A code of chapter 15. instead: the code of the condition is not given beside it."""

    code: Code
    instead: bool


def complicating(code: Code, period: Period) -> Complicating | None:
    """The code for this condition in that period; None where there is none."""
    for first, last, stem, unknown, childbirth, puerperium, instead in _rows():
        if code.system == "icd10cm" and first <= code.value[: len(first)] <= last:
            if period == "childbirth":
                value = childbirth
            elif period == "puerperium":
                value = puerperium
            else:
                value = stem if stem == "-" else _WHOLE.get(stem) or stem + _TRIMESTERS.get(period, unknown)
            return None if value == "-" else Complicating(Code("icd10cm", value), instead)
    return None


@lru_cache(maxsize=1)
def _rows() -> tuple[tuple[str, str, str, str, str, str, bool], ...]:
    found = []
    for conditions, stem, unknown, childbirth, puerperium, stays in rows(TABLE):
        for one in conditions.split():
            first, _, last = one.partition("-")
            found.append((first, last or first, stem, unknown, childbirth, puerperium, stays == "instead"))
    return tuple(found)
