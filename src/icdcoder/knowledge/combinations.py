"""Codes for two conditions at once, which ICD-10-CM wants where a note states both: hypertension and kidney disease."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from icdcoder.core.code import Code
from icdcoder.knowledge.shipped import rows

TABLE = "combinations.tsv"


@dataclass(frozen=True, slots=True)
class Combination:
    """Beside a code that begins with one of `other`, a code that begins with one of `first` is coded as `both`. heard:
    the other one need not be sure. further: the first one may have other such codes too."""

    first: tuple[str, ...]
    other: tuple[str, ...]
    both: Code
    heard: bool = False
    further: bool = False


def combined(codes: Collection[Code], heard: Collection[Code] = ()) -> Iterator[tuple[Code, Code, Code]]:
    """(first, other, both) for the pairs among these codes, each first at most once, widest combinations first; a
    disease with several complications is combined with each.

    heard: codes that the note only may mean; for some combinations they are enough as the other one.
    """
    done: set[Code] = set()
    firsts: dict[int, list[Code]] = {}
    others: dict[int, Code] = {}
    for sure, listed in ((True, codes), (False, heard)):
        for code in listed:
            if code.system != "icd10cm":
                continue
            as_first, as_other, as_heard = _parts(code.value)
            for number in as_first if sure else ():
                firsts.setdefault(number, []).append(code)
            for number in as_other if sure else as_heard:
                others.setdefault(number, code)
    for number in sorted(firsts.keys() & others.keys()):
        rule = rules()[number]
        if rule.further and rule.both in codes:
            continue
        for first in firsts[number]:
            if first not in done:
                yield first, others[number], rule.both
                if rule.further:
                    break
                done.add(first)


@lru_cache(maxsize=50_000)
def _parts(value: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The numbers of the rules in which a code with this value may be the first, the other, the other when heard."""
    listed = list(enumerate(rules()))
    first = tuple(number for number, rule in listed if value.startswith(rule.first))
    other = tuple(number for number, rule in listed if value.startswith(rule.other))
    return first, other, tuple(number for number in other if rules()[number].heard)


@lru_cache(maxsize=1)
def rules() -> tuple[Combination, ...]:
    """In the order of the data file."""
    found = []
    for first, other, both in rows(TABLE):
        others = tuple(other.removeprefix("~").split())
        value = both.removeprefix("+")
        found.append(
            Combination(
                tuple(first.split()), others, Code("icd10cm", value), other.startswith("~"), both.startswith("+")
            )
        )
    return tuple(found)
