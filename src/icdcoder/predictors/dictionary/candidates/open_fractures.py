"""Fractures that the note calls open, which the seventh character says: B, or C for a long bone of the arm or leg and
Gustilo's third type."""

from __future__ import annotations

import re

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.candidates.candidate import ACCEPTED, Candidate, Descriptions
from icdcoder.predictors.dictionary.statement import around
from icdcoder.text.led_pattern import holds_one

_OPEN = re.compile(
    r"\bopen\b(?! (?:reduction|book|heart|surg\w*|repair|approach|angle|wound))|\bcompound\b|\bgustilo\b", re.IGNORECASE
)
_NOT_OPEN = re.compile(
    r"\b(?:no|not|non|without|closed)[ -](?:evidence of )?(?:an )?(?:open|compound)\b|\bclosed\b", re.I
)
# "Grade 3" alone may be of a murmur.
_THIRD = re.compile(
    r"\bgustilo\b[^.;\n]{0,30}\b(?:III|3)[ABC]?\b|\b(?:type|grade) (?:III|3)[ABC]? (?:open|compound)\b|"
    r"\b(?:open|compound)\b[^.;\n]{0,60}\b(?:type|grade) (?:III|3)[ABC]?\b",
    re.IGNORECASE,
)
_LONG_BONES = ("S52", "S72", "S82")
_CLOSED = "closed fracture"
_AROUND = 45


def with_open_fractures(scored: list[Candidate], descriptions: Descriptions, note: str) -> list[Candidate]:
    """With the codes of open fractures in the place of those of closed ones."""
    if not holds_one(note, ("open", "compound", "gustilo")):
        return scored
    by_code = {c.code: c for c in scored}
    for one in scored:
        value = one.code.value
        if one.score < ACCEPTED or not value.startswith("S") or _CLOSED not in descriptions[one.code].lower():
            continue
        if not any(_said_open(note, m.start, m.end) for m in one.mentions):
            continue
        third = value.startswith(_LONG_BONES) and _THIRD.search(note)
        code = Code(one.code.system, value[:-1] + ("C" if third else "B"))
        if descriptions.known(code):
            descriptions.give(by_code, one, code)
            del by_code[one.code]
    return list(by_code.values())


def _said_open(note: str, start: int, end: int) -> bool:
    before, behind = around(note, start, end, _AROUND, to_comma=True)
    clause = before + note[start:end] + behind
    return _OPEN.search(clause) is not None and not _NOT_OPEN.search(clause)
