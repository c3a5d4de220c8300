"""What a note says apart from the name of a condition, which has a more exact code (knowledge/qualifiers.py): the depth
of an ulcer, the artery of a stroke, that an appendix is perforated; and the quadrant of a breast."""

from __future__ import annotations

import re
from functools import lru_cache

from icdcoder.core.code import Code
from icdcoder.knowledge.qualifiers import qualifiers

_SYSTEM = "icd10cm:"
_STATEMENT = re.compile(r"[.;\n]\s")
_AROUND = 110
# Where a mention begins and ends in its statement; the text's own ("> 50 %") would be taken for them.
_BEGINS, _ENDS = "<", ">"
_OWN = str.maketrans(_BEGINS + _ENDS, "  ")
_NOT_SO = re.compile(
    r"\b(?:no|not|non|without|w/o|denie[sd]|negative for|absence of|rules? out|ruled out|r/o|vs\.?|versus|possible|"
    r"resolved|never)\b(?:(?!\b(?:but|with|however)\b)[^.;,<>]){0,40}$",
    re.IGNORECASE,
)
_BREAST = re.compile(r"icd10cm:C50\.9\d\d")
_QUADRANT = re.compile(
    r"\b(?:(?P<height>upper|lower)[- ]?(?P<way>outer|inner)|(?P<letters>[UL][OI])Q\b|"
    r"(?P<middle>(?:central|(?:retro|sub)-?areolar)(?= (?:portion|breast|mass|area|region|carcinoma|cancer)))|"
    r"(?P<tail>axillary tail))",
    re.IGNORECASE,
)
_QUADRANTS = {"ui": "2", "li": "3", "uo": "4", "lo": "5"}


def qualified(text: str, start: int, end: int, code: str) -> str:
    """The code for what stands at [start, end), more exact where the words around it say more."""
    if _BREAST.fullmatch(code):
        quadrants = {_quadrant(match) for match in _QUADRANT.finditer(text)}
        return f"{_SYSTEM}C50.{quadrants.pop()}{code[-2:]}" if len(quadrants) == 1 else code
    if not code.startswith(_SYSTEM) or not _further(code, 0):
        return code
    statement = _statement(text, start, end)
    at = 0
    while True:
        made = next(((n, exact) for n, words, exact in _further(code, at) if _says(statement, words)), None)
        if made is None:
            return code
        at, code = made[0] + 1, made[1]


@lru_cache(maxsize=50_000)
def _further(code: str, at: int) -> tuple[tuple[int, re.Pattern[str], str], ...]:
    """Of the lines from `at` on, those that apply to the code: their numbers, their words, the code for both."""
    value = code.removeprefix(_SYSTEM)
    found = []
    for number, line in enumerate(qualifiers()[at:], at):
        match = line.codes.fullmatch(value)
        if match:
            found.append((number, line.words, str(Code("icd10cm", match.expand(line.exact)))))
    return tuple(found)


def _says(statement: str, words: re.Pattern[str]) -> bool:
    return any(not _NOT_SO.search(statement[: match.start()]) for match in words.finditer(statement))


def _statement(text: str, start: int, end: int) -> str:
    """The statement around what stands there, with signs where that begins and ends."""
    before = _STATEMENT.split(text[max(0, start - _AROUND) : start])[-1]
    behind = _STATEMENT.split(text[end : end + _AROUND])[0]
    before, inside, behind = (part.translate(_OWN) for part in (before, text[start:end], behind))
    return f"{before}{_BEGINS}{inside}{_ENDS}{behind}"


def _quadrant(match: re.Match[str]) -> str:
    if match["middle"]:
        return "1"
    if match["tail"]:
        return "6"
    letters = match["letters"] or match["height"][0] + match["way"][0]
    return _QUADRANTS[letters.lower()]
