"""Codes that another accepted code contradicts or says more exactly: a disease without complications beside the same
one with a complication, a rest class beside the named condition."""

from __future__ import annotations

import re
from collections.abc import Sequence

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge.said_by_another import said_by_others

_UNCOMPLICATED = re.compile(r",? (?:without (?:mention of )?complications?|uncomplicated)\b", re.IGNORECASE)
_COMPLICATED = re.compile(r",? with (?!out)|, complicated\b", re.IGNORECASE)
# Diabetes of ICD-9-CM: the last digit is its type, odd for type I, and whether it is controlled.
_DIABETES, _PLAIN_DIABETES = "250.", "250.0"
# Anemia of which the kind is not said. The rest of said_by_another is left to the coder: symptoms, and names of organs
# under which a note may mean something else.
_OF_NO_KIND = {"icd10cm": ("D64.9",), "icd9cm": ("285.9",)}


def complicated(codes: Sequence[Code]) -> dict[Code, Code]:
    """{code that says "without complications": another of these codes for the same disease with one}."""
    found: dict[Code, Code] = {}
    for code in codes:
        text = systems.load(code.system).description(code)
        plain = _UNCOMPLICATED.search(text)
        if plain is None:
            continue
        stem = text[: plain.start()].lower()
        other = next((o for o in codes if o.system == code.system and _same_with_more(code, stem, o)), None)
        if other is not None:
            found[code] = other
    return found


def _same_with_more(code: Code, stem: str, other: Code) -> bool:
    if code.system == "icd9cm" and code.value.startswith(_PLAIN_DIABETES):
        of_diabetes = other.value.startswith(_DIABETES) and not other.value.startswith(_PLAIN_DIABETES)
        return of_diabetes and int(code.value[-1]) % 2 == int(other.value[-1]) % 2
    if other.value[:3] != code.value[:3]:
        return False
    text = systems.load(other.system).description(other).lower()
    return text.startswith(stem) and _COMPLICATED.match(text, len(stem)) is not None


def named(codes: Sequence[Code]) -> dict[Code, Code]:
    """{code for a condition of no kind: another of these codes that names its kind}."""
    return {c: other for c, other in said_by_others(codes).items() if c.value in _OF_NO_KIND.get(c.system, ())}
