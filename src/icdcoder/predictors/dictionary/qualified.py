"""What a note says apart from the name of a condition, which then has a more exact code (knowledge/qualifiers.py): the
depth of an ulcer, the artery of a stroke, the quadrant of a breast, that an appendix is perforated."""

from __future__ import annotations

import re
from functools import lru_cache

from icdcoder.knowledge.qualifiers import BEGINS, ENDS, Qualifier, by_letter
from icdcoder.predictors.dictionary.statement import around

_SYSTEM = "icd10cm:"
_AROUND = 110
# The text's own signs ("> 50 %") would be taken for those that stand around a mention.
_OWN = str.maketrans(BEGINS + ENDS, "  ")
_SIGN = re.compile(f"[{BEGINS}{ENDS}]")
_NOT_SO = re.compile(
    r"\b(?:no|not|non|without|w/o|denie[sd]|negative for|absence of|rules? out|ruled out|r/o|vs\.?|versus|possible|"
    r"resolved|never)\b(?:(?!\b(?:but|with|however)\b)[^.;,<>\n]){0,40}$",
    re.IGNORECASE,
)
# The same between the mention and the words, where the words' own pattern reaches from one to the other.
_NOT_BETWEEN = re.compile(r"[<>][^<>]*\b(?:no|not|without|w/o|denie[sd]|absence of|never)\b", re.IGNORECASE)
_OF_ABSENCE = "without"


def qualified(text: str, start: int, end: int, code: str) -> str:
    """The code for what stands at [start, end), more exact where the words around it say more, or where all of the note
    says one such thing only."""
    if not code.startswith(_SYSTEM) or not _applying(code):
        return code
    statement = _statement(text, start, end)
    plain = statement.replace(BEGINS, "").replace(ENDS, "")
    at = 0
    while True:
        made = next(
            (
                (n, exact)
                for n, words, exact, placed in _further(code, at)
                if _says(statement if placed else plain, words)
            ),
            None,
        )
        if made is None:
            break
        at, code = made[0] + 1, made[1]
    return _of_the_note(text, code) if _anywhere(code) else code


@lru_cache(maxsize=64)
def _of_the_note(text: str, code: str) -> str:
    """The code, more exact where the note says one such thing only; a note has many mentions of one code."""
    named = {exact for words, exact in _anywhere(code) if _says(text, words)}
    return named.pop() if len(named) == 1 else code


@lru_cache(maxsize=50_000)
def _further(code: str, at: int) -> tuple[tuple[int, re.Pattern[str], str, bool], ...]:
    """Of the lines from `at` on, those that apply to the code: their numbers, their words, the code for both, and
    whether they say where the words stand beside the mention."""
    return tuple(
        (number, line.said, exact, line.placed)
        for number, line, exact in _applying(code)
        if number >= at and not line.anywhere
    )


@lru_cache(maxsize=50_000)
def _anywhere(code: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((line.said, exact) for _, line, exact in _applying(code) if line.anywhere)


@lru_cache(maxsize=50_000)
def _applying(code: str) -> tuple[tuple[int, Qualifier, str], ...]:
    value, found = code.removeprefix(_SYSTEM), []
    for number, line in by_letter().get(value[:1], ()):
        exact = line.applied(value)
        if exact is not None:
            found.append((number, line, _SYSTEM + exact))
    return tuple(found)


def _says(statement: str, words: re.Pattern[str]) -> bool:
    absence = _OF_ABSENCE in words.pattern
    return any(
        not _NOT_SO.search(statement[: match.start()]) and (absence or not _NOT_BETWEEN.search(match[0]))
        for match in words.finditer(statement)
    )


def _statement(text: str, start: int, end: int) -> str:
    """The statement around what stands there, with signs where that begins and ends."""
    before, behind = around(text, start, end, _AROUND)
    inside = text[start:end]
    if _SIGN.search(before + inside + behind):
        before, inside, behind = (part.translate(_OWN) for part in (before, inside, behind))
    return f"{before}{BEGINS}{inside}{ENDS}{behind}"
