"""What a note may say apart from the name of a condition, and the more exact code of ICD-10-CM that it then has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from string import ascii_uppercase

from icdcoder.knowledge.shipped import rows

TABLE = "qualifiers.tsv"
BEGINS, ENDS = "<", ">"
"""Where the mention of the condition begins and ends in the statement that `Qualifier.words` are searched in."""

_CAPITAL_FIRST = re.compile(r"(?:^|[(|]|\(\?:)([A-Z])")
_CLASS_FIRST = re.compile(r"^[(?:]*\[")
_SIDES = {"right": "1", "left": "2"}
_ANYWHERE = "note:"
_SIGN = re.compile(rf"(?<!\(\?){BEGINS}|(?<!\(){ENDS}(?!\))")
_NEAR = re.compile(r"\{(?P<side>side )?near:(?P<words>[^{}]*)\}")
_AT = re.compile(r"\{side at:(?P<words>[^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Qualifier:
    """codes, words: regular expressions, of the codes to which it applies, whole, and of what a statement says, or with
    `anywhere` the note. exact: the code for both, as `re.Match.expand` takes it."""

    codes: str
    words: str
    exact: str
    anywhere: bool
    placed: bool
    """Whether it says where the words stand beside the mention."""

    def applied(self, value: str) -> str | None:
        """The more exact code of one to which it applies."""
        match = _compiled(self.codes).fullmatch(value)
        return match.expand(self.exact) if match else None

    @property
    def said(self) -> re.Pattern[str]:
        """The words, however they are written."""
        return _compiled(self.words, re.IGNORECASE)


@cache
def _compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """When it is first needed: all of them together take half a second."""
    return re.compile(pattern, flags)


@lru_cache(maxsize=1)
def by_letter() -> dict[str, tuple[tuple[int, Qualifier], ...]]:
    """{first letter of a code: the lines that may apply to it, with their numbers}."""
    found: dict[str, list[tuple[int, Qualifier]]] = {letter: [] for letter in ascii_uppercase}
    for number, line in enumerate(qualifiers()):
        pattern = line.codes
        # A capital that begins the pattern or one of its alternatives; more than needed do no harm.
        for letter in ascii_uppercase if _CLASS_FIRST.search(pattern) else set(_CAPITAL_FIRST.findall(pattern)):
            found[letter].append((number, line))
    return {letter: tuple(lines) for letter, lines in found.items()}


@lru_cache(maxsize=1)
def qualifiers() -> tuple[Qualifier, ...]:
    """In the order of the data file, a line about sides as two."""
    return tuple(one for codes, words, exact in rows(TABLE) for one in _read(codes, words, exact))


def _read(codes: str, words: str, exact: str) -> Iterator[Qualifier]:
    anywhere = words.startswith(_ANYWHERE)
    words = _AT.sub(_at, _NEAR.sub(_near, words.removeprefix(_ANYWHERE)))
    for side, digit in _SIDES.items() if "{side}" in words else (("", ""),):
        said = words.replace("{side}", rf"\b(?:{side}|{side[:1]}t?)\b")
        yield Qualifier(codes, said, exact.replace("{side}", digit), anywhere, _SIGN.search(said) is not None)


def _near(match: re.Match[str]) -> str:
    words = rf"\b(?:{match['words']})\b"
    if match["side"]:
        words = rf"{{side}}[^.;]{{0,15}}{words}"
    return rf"(?:{ENDS}[^.;]{{0,35}}?{words}|{words}[^.;{BEGINS}]{{0,25}}{BEGINS})"


def _at(match: re.Match[str]) -> str:
    """The place with its side, before or behind it: near the mention, within it, or partly within it."""
    words = rf"\b(?:{match['words']})\b"
    place = rf"(?:{{side}}[^.;]{{0,15}}?{words}|{words}[ ,({ENDS}-]{{1,4}}{{side}})"
    return (
        rf"(?:{ENDS}[^.;]{{0,35}}?{place}|{place}[^.;{BEGINS}]{{0,25}}{BEGINS}|"
        rf"{{side}}[^.;{BEGINS}]{{0,15}}{BEGINS}[^{ENDS}]{{0,40}}?{words}|{BEGINS}[^{ENDS}]*?{place})"
    )
