"""Codes that exclude each other by an Excludes1 note of the tabular list."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.decide._constraints.references import Reference, names, referred


def excluding(codes: Iterable[Code]) -> dict[Code, list[Code]]:
    """Of these codes, each with those that it excludes or that exclude it, in their order. Only the categories that
    a note names are looked at: a long list of codes has too many pairs."""
    order = {code: place for place, code in enumerate(codes)}
    filed: dict[tuple[str, str], list[Code]] = defaultdict(list)
    for code in order:
        filed[code.system, code.value[:3]].append(code)
    categories = sorted(filed)
    found: dict[Code, set[Code]] = defaultdict(set)
    for code in order:
        for reference in _excludes1(code):
            first = bisect_left(categories, (code.system, reference.first[:3]))
            last = bisect_right(categories, (code.system, reference.last[:3]))
            for other in chain.from_iterable(map(filed.__getitem__, categories[first:last])):
                if reference.covers(other.value):
                    found[code].add(other)
                    found[other].add(code)
    return {code: sorted(others, key=order.__getitem__) for code, others in found.items()}


def excluded(code: Code, other: Code) -> str:
    here, there = (code, other) if names(_excludes1(code), other.value) else (other, code)
    return f"An Excludes1 note at {here.value} or above names {there.value}: they are not coded together."


# What the tabular list says at a code or above it is the same for every note.
@lru_cache(maxsize=20_000)
def _excludes1(code: Code) -> tuple[Reference, ...]:
    """Those of the Excludes1 notes that do not name the code itself."""
    found = referred(systems.load(code.system).excludes1(code, inherited=True))
    return tuple(reference for reference in found if not reference.covers(code.value))
