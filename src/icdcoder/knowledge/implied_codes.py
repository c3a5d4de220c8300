"""Codes that another one brings with it: septic shock states a sepsis, hypertensive kidney disease a kidney disease."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from icdcoder.core.code import Code
from icdcoder.knowledge.shipped import rows

TABLE = "implied_codes.tsv"
_CATEGORY = 3


@dataclass(frozen=True, slots=True)
class Implication:
    """A code that begins with one of `stated` brings `implied`, unless one that begins with `enough` is there."""

    stated: tuple[str, ...]
    implied: Code
    enough: tuple[str, ...]


def implied(codes: Collection[Code]) -> Iterator[tuple[Code, Code]]:
    """(code that states it, code that is missing) for ICD-10-CM codes of one note."""
    values = [code.value for code in codes if code.system == "icd10cm"]
    for number in _in_question(values, _rules_by_category()):
        rule = rules()[number]
        stated = next((value for value in values if value.startswith(rule.stated)), None)
        if stated and not any(value.startswith(rule.enough) for value in values):
            yield Code("icd10cm", stated), rule.implied


def likely(codes: Collection[Code]) -> Iterator[Code]:
    """Codes for which a word that alone is too little is enough beside these codes: dialysis in renal failure."""
    values = [code.value for code in codes if code.system == "icd10cm"]
    for number in _in_question(values, _likely_by_category()):
        code, beside = _likely()[number]
        if any(value.startswith(beside) for value in values):
            yield code


def _in_question(values: Collection[str], by_category: Mapping[str, Collection[int]]) -> list[int]:
    """The lines, by their numbers, of which one begins as one of the values does: a few of some hundred."""
    categories = {value[:_CATEGORY] for value in values}
    return sorted({number for category in categories for number in by_category.get(category, ())})


def _by_category(beginnings: Sequence[tuple[str, ...]]) -> dict[str, list[int]]:
    """{three characters: numbers of the lines with a beginning of a code that begins so}. Raises ValueError for a
    shorter beginning."""
    lines: dict[str, list[int]] = {}
    for number, own in enumerate(beginnings):
        if any(len(one) < _CATEGORY for one in own):
            raise ValueError(f"{TABLE}: {' '.join(own)} has less than a category.")
        for category in {one[:_CATEGORY] for one in own}:
            lines.setdefault(category, []).append(number)
    return lines


@lru_cache(maxsize=1)
def _rules_by_category() -> dict[str, list[int]]:
    return _by_category([rule.stated for rule in rules()])


@lru_cache(maxsize=1)
def _likely_by_category() -> dict[str, list[int]]:
    return _by_category([beside for _, beside in _likely()])


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
