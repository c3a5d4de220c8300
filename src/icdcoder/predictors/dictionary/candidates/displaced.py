"""Fractures that the note calls nondisplaced, where a wording stands for the displaced one (which a fracture is that is
called neither, guidelines I.C.19.c)."""

from __future__ import annotations

import re

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.candidates.candidate import ACCEPTED, Candidate, Descriptions
from icdcoder.predictors.dictionary.statement import around
from icdcoder.text.led_pattern import holds_one

_IN_PLACE = re.compile(r"\b(?:non|un)-?displaced\b|\bnot displaced\b|\bnon displaced\b|\bhairline\b", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_AROUND = 40
_DISPLACED = "displaced"
# The partner's digit is three higher, of a toe or a finger in the last or the last but one place.
_STEPS = (3, 30)


def with_nondisplaced(scored: list[Candidate], descriptions: Descriptions, note: str) -> list[Candidate]:
    """With the codes of nondisplaced fractures in the place of those of displaced ones."""
    if not holds_one(note, ("displaced", "hairline")):
        return scored
    by_code = {c.code: c for c in scored}
    for one in scored:
        if one.score < ACCEPTED or not one.code.value.startswith("S"):
            continue
        text = descriptions[one.code].lower()
        if not text.startswith(_DISPLACED) or not any(_said(note, m.start, m.end) for m in one.mentions):
            continue
        code = _partner(one.code, text, descriptions)
        if code is not None:
            descriptions.give(by_code, one, code)
            del by_code[one.code]
    return list(by_code.values())


def _partner(code: Code, text: str, descriptions: Descriptions) -> Code | None:
    number = _DIGITS.match(code.value, 4)
    if number is None:
        return None
    for step in _STEPS:
        digits = f"{int(number[0]) + step:0{len(number[0])}}"
        other = Code(code.system, code.value[:4] + digits + code.value[number.end() :])
        if descriptions.known(other) and descriptions[other].lower() == "non" + text:
            return other
    return None


def _said(note: str, start: int, end: int) -> bool:
    before, behind = around(note, start, end, _AROUND)
    return _IN_PLACE.search(before + note[start:end] + behind) is not None
