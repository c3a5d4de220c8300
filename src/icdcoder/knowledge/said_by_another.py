"""Codes that say nothing beside another one: integral symptoms, and rest classes beside the named condition."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from icdcoder.core.code import Code
from icdcoder.knowledge.shipped import rows

TABLE = "said_by_another.tsv"


@dataclass(frozen=True, slots=True)
class SaidByAnother:
    """codes beginning with one of `said` say nothing beside a code of `by`: (beginning, None), or (first, last) of a
    range of beginnings of one length, both included."""

    said: tuple[str, ...]
    by: tuple[tuple[str, str | None], ...]

    def says(self, value: str) -> bool:
        """Whether a code with this value is one that says the others already."""
        for first, last in self.by:
            start = value[: len(first)]
            if start == first or (last is not None and first < start <= last):
                return True
        return False


def said_by_others(codes: Collection[Code]) -> dict[Code, Code]:
    """{code: another of these codes that says it already}."""
    saying: dict[tuple[str, int], list[Code]] = {}
    for code in codes:
        for number in _parts(code.system, code.value)[1]:
            saying.setdefault((code.system, number), []).append(code)
    found: dict[Code, Code] = {}
    for code in codes if saying else ():
        for number in _parts(code.system, code.value)[0]:
            other = next((o for o in saying.get((code.system, number), ()) if o != code), None)
            if other is not None:
                found[code] = other
                break
    return found


@lru_cache(maxsize=50_000)
def _parts(system: str, value: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The numbers of the rules by which a code with this value is said, and of those by which it says another one."""
    said, by = _by_letter().get((system, value[:1]), ((), ()))
    listed = rules().get(system, ())
    return (
        tuple(number for number in said if value.startswith(listed[number].said)),
        tuple(number for number in by if listed[number].says(value)),
    )


@lru_cache(maxsize=1)
def _by_letter() -> dict[tuple[str, str], tuple[list[int], list[int]]]:
    """{(system, first letter of a code): rules by which such a code may be said, may say another}."""
    found: dict[tuple[str, str], tuple[list[int], list[int]]] = {}
    for system, listed in rules().items():
        for number, rule in enumerate(listed):
            for letter in {said[0] for said in rule.said}:
                found.setdefault((system, letter), ([], []))[0].append(number)
            letters = {chr(at) for first, last in rule.by for at in range(ord(first[0]), ord((last or first)[0]) + 1)}
            for letter in letters:
                found.setdefault((system, letter), ([], []))[1].append(number)
    return found


@lru_cache(maxsize=1)
def rules() -> dict[str, tuple[SaidByAnother, ...]]:
    """{system: its rules}, in the order of the data file."""
    found: dict[str, list[SaidByAnother]] = {}
    for system, said, by in rows(TABLE):
        parts = (part.partition("-") for part in by.split())
        rule = SaidByAnother(tuple(said.split()), tuple((first, last or None) for first, _, last in parts))
        found.setdefault(system, []).append(rule)
    return {system: tuple(listed) for system, listed in found.items()}
