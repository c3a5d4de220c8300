"""Whether the cells of a breast cancer have receptors for estrogen, which pathologists write in many ways ("ER+/PR-",
"ER 95 %", "estrogen and progesterone receptors were positive")."""

from __future__ import annotations

import re
from collections.abc import Iterator

from icdcoder.core.code import Code
from icdcoder.text.led_pattern import holds_one

_ESTROGEN = r"\b(?:ER|HR|(?:o?estrogen|hormone)(?:al)?(?:[- ]receptors?)?(?: \(ER\))?)"
_AND_OTHERS = r"(?:[ ]?(?:/|,|and|&)[ ]?(?:PR|PgR|progesterone)(?: \(PR\))?)?"
_STATUS = (
    r"(?:[- ]?receptors?)?(?:[- ]?status)?(?::| was| were| is| are|=|,)?[ -]?(?:strongly |weakly )?"
    r"\(?(?P<status>positive|negative|pos\b|neg\b|\+|-(?=[/,.;) ]|$)|−|\d{1,3} ?%)"
)
_AFTER = re.compile(rf"{_ESTROGEN}{_AND_OTHERS}{_STATUS}", re.IGNORECASE)
_BEFORE = re.compile(
    r"\b(?P<status>positive|negative) for (?:both )?(?:the )?o?estrogen\b|\btriple[- ](?P<none>negative)\b",
    re.IGNORECASE,
)
_OF_A_BREAST = ("breast", "mammar", "ductal", "lobular", "mastectomy")
_POSITIVE, _NEGATIVE = Code("icd10cm", "Z17.0"), Code("icd10cm", "Z17.1")
_LEAST_SHARE = 1
_EMERGENCY_ROOM = re.compile(r"(?:in|to|the|an|at|via|from) $", re.IGNORECASE)


def receptors(text: str) -> Iterator[tuple[int, int, Code]]:
    """Of a note that is of a breast."""
    if not holds_one(text, _OF_A_BREAST):
        return
    for match in (*_AFTER.finditer(text), *_BEFORE.finditer(text)):
        if _EMERGENCY_ROOM.search(text, max(0, match.start() - 5), match.start()):
            continue
        yield *match.span(), _POSITIVE if _is_positive(match) else _NEGATIVE


def _is_positive(match: re.Match[str]) -> bool:
    status = match["status"] or "negative"
    if status[0].isdigit():
        return int(status.rstrip("% ")) >= _LEAST_SHARE
    return status[0] in "pP+"
