"""Conditions of newborns: the codes of chapter 16 of ICD-10-CM for them, as data (knowledge/data/newborn.tsv)."""

from __future__ import annotations

from functools import lru_cache

from icdcoder.core.code import Code
from icdcoder.knowledge.shipped import rows

TABLE = "newborn.tsv"


@lru_cache(maxsize=10_000)
def of_a_newborn(code: Code) -> Code | None:
    """The code for this condition in the first 28 days of life; None where there is no other."""
    if code.system != "icd10cm":
        return None
    return next((other for stems, other in _rows() if code.value.startswith(stems)), None)


@lru_cache(maxsize=1)
def _rows() -> tuple[tuple[tuple[str, ...], Code], ...]:
    return tuple((tuple(stems.split()), Code("icd10cm", value)) for stems, value in rows(TABLE))
