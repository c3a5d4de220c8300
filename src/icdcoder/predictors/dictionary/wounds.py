"""Wounds, bruises, abrasions, burns and crushed limbs, with the place where they are: "abrasions over the right knee
and left elbow". The edition of today is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from icdcoder.core.code import Code
from icdcoder.knowledge.wound_sites import Kind, Side, sites

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
_LED = re.compile(
    r"lac|bite|bitten|wound|gunshot|gsw|stab|tear|contus|bruis|h(?:a)?ematom|abras|graz|scrape|burn|scald|crush", re.I
)
_DETERMINER = r"(?:(?:the|his|her|their|an?|patient's) )*"
_SIDE = r"(?:right|left|bilateral|both|rt\.?|lt\.?|R|L)(?:[ -]sided)?"
_WHERE = (
    r"(?:(?:anterior|posterior|lateral|medial|dorsal|dorsum|volar|ulnar|radial|plantar|palmar|proximal|distal|mid|middle|"
    r"back|front|side|aspect|tip|base|pad|skin|surface|bridge|inner|outer|superior|inferior|dorso-?lateral|central) "
    r"(?:of (?:the |his |her )?)?)*"
)
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
    r"\b(?:fall|fell|fallen|trauma\w*|injur\w+|accident|MVC|MVA|RTA|collision|assault\w*|struck|kicked|punched|hit|blow|"
    r"beaten|crash\w*|tripped)\b",
    re.IGNORECASE,
)
_NOT_NOW = re.compile(
    r"\b(?:history of|h/o|prior|previous|old|healed|remote|past|post-?operative|surgical|repair of|easy|spontaneous)\b"
    r"[^.;\n]{0,25}$",
    re.IGNORECASE,
)
_AROUND = 40


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """A kind before its sites, sites before their kind, one site."""
    named = "|".join(map(re.escape, sites()))
    one = rf"{_DETERMINER}(?:{_SIDE} )?{_WHERE}(?:{_DETERMINER}{_SIDE} )?(?:{named})s?\b"
    listed = rf"{one}(?:(?:, and | and |, ?| & | ?/ ?| \+ ){one})*"
    kinds = rf"(?P<kind>\b(?:{_ANY_KIND}))\b(?:(?: and |, |/)(?:\w+ )?(?:{_ANY_KIND})\b)*"
    led = r"(?: (?:noted|seen|present|extending|measuring|sustained|[x\d.]+|cm))*"
    to = r"(?:of|to|on|over|at|in|involving|across|along|affecting|above|near)"
    before = rf"{kinds}{led} (?:wounds? )?{to} (?P<sites>{listed})"
    aside = rf"{kinds},? \(?(?P<sites2>{_SIDE} {_WHERE}(?:{named})s?\b|{_WHERE}(?:{named}),? \(?{_SIDE}\b)"
    behind = (
        rf"\b(?P<sites>{listed})(?: (?:skin|soft tissue|deep|small|superficial|thermal|simple|complex|linear|stellate|"
        rf"(?:first|second|third|1st|2nd|3rd)[- ]degree|(?:full|partial)[- ]thickness|dog|cat))*"
        rf" (?P<kind>(?:{_ANY_KIND}))\b(?P<side>,? \(?(?:right|left)\b)?"
    )
    site = (
        rf"(?:(?P<side>{_SIDE}) )?{_WHERE}(?:{_DETERMINER}(?P<side2>{_SIDE}) )?(?P<site>{named})s?\b"
        r"(?:,? \(?(?P<side3>right|left)\b)?"
    )
    return (
        re.compile(f"{before}|{aside.replace('?P<kind>', '?P<kind2>')}", re.IGNORECASE),
        re.compile(behind, re.IGNORECASE),
        re.compile(rf"\b{site}", re.IGNORECASE),
    )


def wounds(text: str) -> Iterator[tuple[int, int, Code]]:
    """Those that the text tells of, with their sites."""
    if not _LED.search(text):
        return
    before, behind, _ = _patterns()
    done: list[tuple[int, int]] = []
    for pattern in (before, behind):
        for match in pattern.finditer(text):
            if any(match.start() < end and start < match.end() for start, end in done):
                continue
            if _NOT_NOW.search(text, max(0, match.start() - _AROUND), match.start()):
                continue
            found = list(_read(text, match))
            if found:
                done.append(match.span())
            for value in found:
                yield match.start(), match.end(), Code("icd10cm", value)


def _read(text: str, match: re.Match[str]) -> Iterator[str]:
    groups = match.groupdict()
    words = groups["kind"] or groups.get("kind2") or ""
    listed = groups["sites"] or groups.get("sites2") or ""
    last_side = _side(groups.get("side"))
    for pattern, kind, character in _KINDS:
        # The first kind alone, or all of them: "abrasions and contusions of the knee".
        if not re.search(rf"\b(?:{pattern})\b", _kinds_of(match, listed, words), re.IGNORECASE):
            continue
        if character == "?" and not _HARM.search(text):
            continue
        if kind == "open" and character in "13" and _FOREIGN.match(text, match.end()):
            character = str(int(character) + 1)
        if kind == "burn":
            character = _degree(text, match)
        side: Side | None = None
        for one in _patterns()[2].finditer(listed):
            told = one["side"] or one["side2"] or one["side3"]
            here = [last_side] if last_side and not told else _sides(told)
            for side in here:
                value = sites()[one["site"].lower()].code(kind, character.replace("?", ""), side)
                if value:
                    yield value


def _kinds_of(match: re.Match[str], listed: str, words: str) -> str:
    """The words of the match besides its sites."""
    return match.group().replace(listed, " ") if listed else words


def _sides(told: str | None) -> list[Side]:
    if told and told.lower().startswith("b"):
        return ["right", "left"]
    return [_side(told)]


def _side(told: str | None) -> Side:
    first = (told or "").strip(" ,(").lower()[:1]
    return "right" if first == "r" else "left" if first == "l" else ""


def _degree(text: str, match: re.Match[str]) -> str:
    near = re.split(r"[.;\n]", text[max(0, match.start() - _AROUND) : match.start()])[-1] + match.group()
    behind = re.split(r"[.;\n]", text[match.end() : match.end() + _AROUND])[0]
    for part in (near, behind):
        for degree, words in _DEGREES:
            if words.search(part):
                return degree
    return "0"
