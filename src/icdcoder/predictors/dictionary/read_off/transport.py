"""How someone came to harm on the road: who, and what was hit ("motorcyclist hit by a car"). The edition of today is
meant; an older one folds what it has not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from icdcoder.core.code import Code
from icdcoder.text.led_pattern import holds_one

_WHO = re.compile(
    r"\b(?:(?P<motorcycle>motor ?(?:cycl(?:e|ist)|biker?|scooter)(?: (?:driver|rider|crash|accident))?|moped|MCC)|"
    r"(?P<bicycle>bicycl(?:e|ist)|cyclist|(?:push)?bike|biker)|(?P<pedestrian>pedestrian|ped))\b",
    re.IGNORECASE,
)
# Each match of it holds one of these, in small letters.
_WHO_CUES = (
    *("motorcycl", "motor cycl", "motorbik", "motor bik", "scooter", "moped", "mcc", "bicycl", "cyclist", "bike"),
    *("pedestrian", "ped ", "ped,", "ped.", "ped-", "ped/"),
)
_WAY = r"[^.;\n]{0,60}?\b"
_HIT = (
    r"(?:hit|hits|hitting|struck|striking|collid\w+|collision|crash\w*|versus|vs\.?|v\.|into|ran over|run over|"
    r"knocked (?:down|off|over))\b(?: \w+){0,4}? "
)
_OTHERS = (
    ("heavy", r"(?:bus|lorry|tram|tractor[- ]trailer|semi(?:-?trailer)?|18[- ]wheeler|dump truck|garbage truck|HGV)\b"),
    ("car", r"(?:car|auto(?:mobile)?|van|SUV|pick-?up|truck|taxi|cab|vehicle|motorist)\b"),
    ("fixed", r"(?:tree|pole|lamp ?post|wall|guard ?rail|barrier|fence|kerb|curb|parked \w+|utility pole)\b"),
    ("animal", r"(?:deer|dog|cow|horse|moose|kangaroo|animal)\b"),
)
_HITS = tuple((name, re.compile(_WAY + _HIT + words, re.IGNORECASE)) for name, words in _OTHERS)
_FELL = re.compile(
    r"[^.;\n]{0,50}?\b(?:lost control|fell|skid\w*|slid|overturned|thrown|threw|ejected|laid (?:it )?down)\b",
    re.IGNORECASE,
)
_FALL_BEFORE = re.compile(
    r"\b(?:fell|fall|falling|thrown|ejected|came|coming|threw) (?:\w+ )?(?:off|from|over)(?: of)? (?:\w+ )?"
    r"(?:an? |his |her |the )?"
    r"(?:\w+ )?$",
    re.IGNORECASE,
)
_NOT_NOW = re.compile(
    r"\b(?:history of|h/o|prior|previous|denies|no|remote|likes|rides|riding|enjoys|works?)\b[^.;\n]{0,30}$", re.I
)
_HARM = re.compile(
    r"\b(?:fractur|fx|injur|trauma|lacerat|contus|concuss|abras|hematoma|haematoma|GCS|ED\b|ATLS)", re.IGNORECASE
)
_CODES = {
    ("motorcycle", "heavy"): "V24.49XA",
    ("motorcycle", "car"): "V23.49XA",
    ("motorcycle", "fixed"): "V27.49XA",
    ("motorcycle", "animal"): "V20.49XA",
    ("motorcycle", "fell"): "V28.49XA",
    ("bicycle", "heavy"): "V14.4XXA",
    ("bicycle", "car"): "V13.4XXA",
    ("bicycle", "fixed"): "V17.4XXA",
    ("bicycle", "animal"): "V10.4XXA",
    ("bicycle", "fell"): "V18.4XXA",
    ("pedestrian", "heavy"): "V04.10XA",
    ("pedestrian", "car"): "V03.10XA",
}


def accidents(text: str) -> Iterator[tuple[int, int, Code]]:
    """Those that the text tells of, of a rider or a walker that was harmed."""
    if not holds_one(text, _WHO_CUES) or not _HARM.search(text):
        return
    for who in _WHO.finditer(text):
        before = text[max(0, who.start() - 50) : who.start()]
        if _NOT_NOW.search(before):
            continue
        told = _told(text, who, before)
        value = _CODES.get((str(who.lastgroup), told[0])) if told else None
        if told and value:
            yield who.start(), told[1], Code("icd10cm", value)


def _told(text: str, who: re.Match[str], before: str) -> tuple[str, int] | None:
    """What was hit, and where that is said."""
    for name, words in _HITS:
        if match := words.match(text, who.end()):
            return name, match.end()
    if match := _FELL.match(text, who.end()):
        return "fell", match.end()
    return ("fell", who.end()) if _FALL_BEFORE.search(before) else None
