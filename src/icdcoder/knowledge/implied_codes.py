"""Codes that another one brings with it: septic shock states a sepsis, hypertensive kidney disease a kidney disease."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from icdcoder.core.code import Code
from icdcoder.knowledge.shipped import rows

TABLE = "implied_codes.tsv"


@dataclass(frozen=True, slots=True)
class Implication:
    """A code that begins with one of `stated` brings `implied`, unless one that begins with `enough` is there."""

    stated: tuple[str, ...]
    implied: Code
    enough: tuple[str, ...]


def implied(codes: Collection[Code]) -> Iterator[tuple[Code, Code]]:
    """(code that states it, code that is missing) for ICD-10-CM codes of one note."""
    values = [code.value for code in codes if code.system == "icd10cm"]
    for rule in rules():
        stated = next((value for value in values if value.startswith(rule.stated)), None)
        if stated and not any(value.startswith(rule.enough) for value in values):
            yield Code("icd10cm", stated), rule.implied


def likely(codes: Collection[Code]) -> Iterator[Code]:
    """Codes for which a word that alone is too little is enough beside these codes: dialysis in renal failure."""
    values = [code.value for code in codes if code.system == "icd10cm"]
    for code, beside in _likely():
        if any(value.startswith(beside) for value in values):
            yield code


@lru_cache(maxsize=1)
def _likely() -> tuple[tuple[Code, tuple[str, ...]], ...]:
    return tuple(
        (Code("icd10cm", code), tuple(beside.split())) for first, code, beside in _lines() if first == "likely"
    )


@lru_cache(maxsize=1)
def rules() -> tuple[Implication, ...]:
    """In the order of the data file."""
    return tuple(
        Implication(tuple(stated.split()), Code("icd10cm", code), tuple(enough.split()))
        for stated, code, enough in _lines()
        if stated != "likely"
    )


@lru_cache(maxsize=1)
def _lines() -> tuple[tuple[str, str, str], ...]:
    return tuple((first, code, rest) for first, code, rest in rows(TABLE))
