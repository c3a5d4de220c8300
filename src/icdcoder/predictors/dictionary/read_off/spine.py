"""Places that a note names apart from the condition: the region of the spine ("disc herniation at L4-5"), one nodule or
several, one rib or several."""

from __future__ import annotations

import re
from collections.abc import Iterator

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.statement import around
from icdcoder.text.led_pattern import holds_one

_PLACES = (
    r"\b(?:(?P<lumbar>lumbar|lumbosacral|low(?:er)? back|L ?[1-5](?:[-/–]|\b)|L-?spine)|"
    r"(?P<cervical>cervical|neck|C ?[1-7](?:[-/–]|\b)|C-?spine)|"
    r"(?P<thoracic>thoracic|mid(?:dle)? back|T\d{1,2}\b|T-?spine))"
)
_REGIONS = re.compile(_PLACES, re.IGNORECASE)
_JUST_BEHIND = re.compile(r",? (?:at|of|in|from|involving)(?: the)? " + _PLACES, re.IGNORECASE)
_AROUND = 70
# Codes that leave the region open: those of the cervical, thoracic and lumbar spine.
_OPEN = {
    "M48.00": ("M48.02", "M48.04", "M48.061"),
    "M47.9": ("M47.812", "M47.814", "M47.816"),
    "M54.10": ("M54.12", "M54.14", "M54.16"),
    "M43.10": ("M43.12", "M43.14", "M43.16"),
    "M46.20": ("M46.22", "M46.24", "M46.26"),
    "M46.40": ("M46.42", "M46.44", "M46.46"),
    "M48.50XA": ("M48.52XA", "M48.54XA", "M48.56XA"),
}
_DISC = "M51.9"
_DISPLACED = re.compile(r"hernia|protru|bulg|prolaps|displac|extru|slipped|ruptured|HNP|nucleus", re.IGNORECASE)
_DISPLACED_DISC, _WORN_DISC = ("M50.20", "M51.24", "M51.26"), ("M50.30", "M51.34", "M51.369")
_NUMBER = {"cervical": 0, "thoracic": 1, "lumbar": 2}
_SEVERAL_RIBS = re.compile(r"ribs|fractures|fxs", re.IGNORECASE)
_NODULES = re.compile(r"nodules", re.IGNORECASE)
_ONE_NODULE = re.compile(r"(?<!multiple )(?<!several )\bnodule\b", re.IGNORECASE)
_SYSTEM = "icd10cm:"


def placed(text: str, start: int, end: int, code: str) -> str:
    """The code for what stands at [start, end), more exact where the words there or around it say more."""
    value = code.removeprefix(_SYSTEM)
    if value in _OPEN or value == _DISC:
        region = _region(text, start, end)
        if region is None:
            return code
        told = _DISPLACED_DISC if _DISPLACED.search(text, start, end) else _WORN_DISC
        return _SYSTEM + (_OPEN.get(value) or told)[region]
    if value.startswith("S22.3") and _SEVERAL_RIBS.search(text, start, end):
        return f"{_SYSTEM}S22.4{value[5:]}"
    if value == "R91.1" and _NODULES.search(text, start, end):
        return _SYSTEM + "R91.8"
    if value == "R91.8" and _ONE_NODULE.search(text, start, end):
        return _SYSTEM + "R91.1"
    return code


def _region(text: str, start: int, end: int) -> int | None:
    """That just behind ("at L4-5"), else the last one before it in the statement, else the next one behind; else the
    only one of the text."""
    before, behind = around(text, start, end, _AROUND)
    named = [*_REGIONS.finditer(before + text[start:end])]
    found = _JUST_BEHIND.match(behind) or (named[-1] if named else _REGIONS.search(behind))
    if found is not None:
        return _NUMBER[str(found.lastgroup)]
    regions = {str(one.lastgroup) for one in _REGIONS.finditer(text)}
    return _NUMBER[regions.pop()] if len(regions) == 1 else None


_LEVEL = r"(?P<level{0}>[TLC]) ?(?P<number{0}>1[0-2]|[1-9])\b"
_KIND = r"(?P<kind{0}>compression|wedge|burst|chance|endplate|vertebral|vertebral body|body)"
_FRACTURE = r"(?:fractures?|fx'?s?|deformit(?:y|ies))\b"
_VERTEBRAL = re.compile(
    rf"\b{_LEVEL.format(1)}(?:[-–/,& ]+(?:and )?[TLC]?\d{{1,2}})* (?:(?:acute|subacute|vertebral|body|superior|"
    rf"inferior|vertebra|mild|moderate|severe) )*(?:{_KIND.format(1)} )*{_FRACTURE}|"
    rf"\b(?:{_KIND.format(2)} )*{_FRACTURE},?(?: (?:of|at|involving|in))? (?:the )?{_LEVEL.format(2)}",
    re.IGNORECASE,
)
_CAUSE = re.compile(
    r"\b(?:(?P<old>old|chronic|remote|healed|prior|previous|history of|h/o|known)|(?P<pathological>patholog\w+)|"
    r"(?P<osteoporotic>osteoporotic|fragility|insufficiency))\b[^.;,\n]{0,25}$",
    re.IGNORECASE,
)
_CAUSED = {"pathological": "M84.48XA", "osteoporotic": "M80.08XA"}
_THORACIC = ("1", "2", "3", "4", "5", "5", "6", "6", "7", "7", "8", "8")
_FRACTURED = ("fracture", "fx", "deformit")


def vertebral_fractures(text: str) -> Iterator[tuple[int, int, Code]]:
    """Those of a level that the text names, except old ones, at [start, end)."""
    if not holds_one(text, _FRACTURED):
        return
    for match in _VERTEBRAL.finditer(text):
        cause = _CAUSE.search(text[max(0, match.start() - 40) : match.start()])
        if cause and cause["old"]:
            continue
        level, number = (match["level1"] or match["level2"]).upper(), int(match["number1"] or match["number2"])
        code = _CAUSED[str(cause.lastgroup)] if cause else _vertebra(level, number, match[0].lower())
        if code is not None:
            yield *match.span(), Code("icd10cm", code)


def _vertebra(level: str, number: int, words: str) -> str | None:
    if level == "C":
        return f"S12.{number - 1}00A" if number <= 7 else None
    wedge = "compression" in words or "wedge" in words
    kind = "0" if wedge else "2" if "unstable burst" in words else "1" if "burst" in words else "9"
    if level == "T":
        return f"S22.0{_THORACIC[number - 1]}{kind}A"
    return f"S32.0{number}{kind}A" if number <= 5 else None
