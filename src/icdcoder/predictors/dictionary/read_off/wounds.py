"""Wounds, bruises, abrasions, burns and crushed limbs, with the place where they are: "abrasions over the right knee
and left elbow". The edition of today is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from icdcoder.core.code import Code
from icdcoder.knowledge.wound_sites import Kind, Side, sites
from icdcoder.predictors.dictionary.statement import around, near
from icdcoder.text.led_pattern import LedPattern, in_small_letters

# What the character for it is: of a burn its degree is looked for.
_KINDS: tuple[tuple[str, Kind, str], ...] = (
    (r"(?:puncture wound|gunshot(?: wound)?|GSW|bullet wound)s?", "open", "3"),
    (r"(?:(?:dog|cat|human|animal|rat) bites?|bitten(?: by an? (?:\w+ )?(?:dog|cat|animal|human))?)", "open", "5"),
    (
        r"(?:lacerations?|lacs?|lacerated wounds?|skin tears?|stab(?: wound)?s?|slash wounds?|incised wounds?)",
        "open",
        "1",
    ),
    (r"contusions?", "bruise", ""),
    (r"(?:bruis(?:es?|ing)|ha?ematomas?)", "bruise", "?"),
    (r"(?:abrasions?|grazes?|scrapes?)", "abrasion", ""),
    (r"(?:burn|scald)s?(?: injur(?:y|ies)| wounds?)?", "burn", ""),
    (r"crush(?:ing|ed)?(?: injur(?:y|ies))", "crush", ""),
)
_ANY_KIND = "|".join(words for words, _, _ in _KINDS)
_ANY = LedPattern(
    re.compile(rf"\b(?:{_ANY_KIND})\b", re.IGNORECASE),
    tuple(
        (
            "puncture w|gunshot|gsw|bullet w|dog bite|cat bite|human bite|animal bite|rat bite|bitten|lac|skin tear|"
            "stab|slash w|incised w|contus|bruis|hematoma|haematoma|abras|graze|scrape|burn|scald|crush"
        ).split("|")
    ),
)
_DETERMINER = r"(?:(?:the|his|her|their|an?|patient's) ){0,2}"
_SIDE = r"(?:right|left|bilateral|both|rt\.?|lt\.?|R|L)(?:[ -]sided)?"
# All repetitions are bounded, so that no note can cost more than its length times a constant.
_WHERE = (
    r"(?:(?:anterior|posterior|lateral|medial|dorsal|dorsum|volar|ulnar|radial|plantar|palmar|proximal|distal|mid|middle|"
    r"back|front|side|aspect|tip|base|pad|skin|surface|bridge|inner|outer|superior|inferior|dorso-?lateral|central) "
    r"(?:of (?:the |his |her )?)?){0,4}"
)
_NEXT = re.compile(rf"(?:,? and |,? ?& ?|, | ?/ ?| \+ ){_DETERMINER}", re.IGNORECASE)
_KINDS_SAID = rf"\b(?:{_ANY_KIND})\b(?:(?: and |, |/)(?:\w+ )?(?:{_ANY_KIND})\b){{0,3}}"
_LEADING = re.compile(
    rf"(?P<kinds>{_KINDS_SAID})(?: (?:noted|seen|present|extending|measuring|sustained|[x\d.]+|cm)){{0,4}} "
    rf"(?:wounds? )?(?:of|to|on|over|at|in|involving|across|along|affecting|above|near) {_DETERMINER}$",
    re.IGNORECASE,
)
_ASIDE = re.compile(rf"(?P<kinds>{_KINDS_SAID}),? \(?$", re.IGNORECASE)
_FOLLOWING = re.compile(
    r"(?: (?:skin|soft tissue|deep|small|superficial|thermal|simple|complex|linear|stellate|"
    r"(?:first|second|third|1st|2nd|3rd)[- ]degree|(?:full|partial)[- ]thickness|dog|cat)){0,4}"
    rf" (?P<kinds>(?:{_ANY_KIND}))\b(?P<side>,? \(?(?:right|left)\b)?",
    re.IGNORECASE,
)
_LEAD = 90
_DEGREES = (
    ("3", re.compile(r"\b(?:third|3rd|fourth|4th)[- ]degree|\bfull[- ]thickness|\bdeep[- ]full", re.IGNORECASE)),
    (
        "2",
        re.compile(r"\b(?:second|2nd)[- ]degree|\bpartial[- ]thickness|\b(?:superficial|deep) partial|\bblister", re.I),
    ),
    ("1", re.compile(r"\b(?:first|1st)[- ]degree|\bsuperficial\b|\berythema", re.IGNORECASE)),
)
_FOREIGN = re.compile(
    r"[^.;\n]{0,30}\bwith (?:an? )?(?:retained |embedded )?(?:foreign (?:body|bodies)|glass|gravel)", re.I
)
_HARM = re.compile(
    r"\b(?:fall|fell|fallen|trauma\w*|(?<!kidney )(?<!renal )(?<!myocardial )(?<!liver )(?<!lung )injur\w+|"
    r"accident|MVC|MVA|RTA|collision|assault\w*|struck|kicked|punched|hit|blow|"
    r"beaten|crash\w*|tripped)\b",
    re.IGNORECASE,
)
_NOT_NOW = re.compile(
    r"\b(?:history of|h/o|prior|previous|old|healed|remote|past|post-?operative|surgical|repair of|easy|spontaneous)\b"
    r"[^.;\n]{0,25}$",
    re.IGNORECASE,
)
_AROUND = 40
_REACH = 300


@dataclass(frozen=True, slots=True)
class _Told:
    """At [start, end) of the text: kinds of wounds, and their sites. side: told behind the last of them."""

    start: int
    end: int
    kinds: str
    sites: Sequence[re.Match[str]]
    side: Side


def wounds(text: str) -> Iterator[tuple[int, int, Code]]:
    """Those that the text tells of, with their sites."""
    for start, end in near(_ANY.finditer(text, in_small_letters(text)), _REACH):
        for listed in _lists(text, start, end):
            told = _told(text, listed)
            if told is None or _NOT_NOW.search(text, max(0, told.start - _AROUND), told.start):
                continue
            for value in _codes(text, told):
                yield told.start, told.end, Code("icd10cm", value)


@lru_cache(maxsize=1)
def _site() -> re.Pattern[str]:
    named = "|".join(map(re.escape, sites()))
    return re.compile(
        rf"\b(?:(?P<side>{_SIDE}) )?{_WHERE}(?:(?P<side2>{_SIDE}) )?(?P<site>{named})s?\b"
        r"(?:,? \(?(?P<side3>right|left)\b)?",
        re.IGNORECASE,
    )


def _lists(text: str, start: int, end: int) -> Iterator[list[re.Match[str]]]:
    """Sites that stand side by side: "the right knee and left elbow"."""
    listed: list[re.Match[str]] = []
    for site in _site().finditer(text, start, end):
        if listed and not _NEXT.fullmatch(text, listed[-1].end(), site.start()):
            yield listed
            listed = []
        listed.append(site)
    if listed:
        yield listed


def _told(text: str, listed: Sequence[re.Match[str]]) -> _Told | None:
    start, end = listed[0].start(), listed[-1].end()
    lead = text[max(0, start - _LEAD) : start]
    if leading := _LEADING.search(lead):
        return _Told(start - len(lead) + leading.start(), end, leading["kinds"], listed, "")
    if following := _FOLLOWING.match(text, end):
        return _Told(start, following.end(), following["kinds"], listed, _side(following["side"]))
    aside = _ASIDE.search(lead)
    if aside and _told_side(listed[0]):
        return _Told(start - len(lead) + aside.start(), end, aside["kinds"], listed[:1], "")
    return None


def _codes(text: str, told: _Told) -> Iterator[str]:
    for pattern, kind, character in _KINDS:
        if not re.search(rf"\b(?:{pattern})\b", told.kinds, re.IGNORECASE):
            continue
        if character == "?" and not _HARM.search(text):
            continue
        if kind == "open" and character in "13" and _FOREIGN.match(text, told.end):
            character = str(int(character) + 1)
        if kind == "burn":
            character = _degree(text, told)
        for site in told.sites:
            named = _told_side(site)
            told_sides: list[Side] = [told.side] if told.side and not named else _sides(named)
            for side in told_sides:
                value = sites()[site["site"].lower()].code(kind, character.replace("?", ""), side)
                if value:
                    yield value


def _told_side(site: re.Match[str]) -> str | None:
    return site["side"] or site["side2"] or site["side3"]


def _sides(told: str | None) -> list[Side]:
    if told and told.lower().startswith("b"):
        return ["right", "left"]
    return [_side(told)]


def _side(told: str | None) -> Side:
    first = (told or "").strip(" ,(").lower()[:1]
    return "right" if first == "r" else "left" if first == "l" else ""


def _degree(text: str, told: _Told) -> str:
    before, behind = around(text, told.start, told.end, _AROUND)
    for part in (before + text[told.start : told.end], behind):
        for degree, words in _DEGREES:
            if words.search(part):
                return degree
    return "0"
