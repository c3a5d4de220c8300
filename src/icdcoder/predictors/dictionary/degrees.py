"""What a note says apart from the condition, how far it goes: the depth of an ulcer, the stage of a glaucoma, the
quadrant of a breast, what closed an artery."""

from __future__ import annotations

import re

_SYSTEM = "icd10cm:"
_ULCER = re.compile(r"icd10cm:(?:L97\.\d\d|L98\.4[129])9")
# In this order: bone that is dead, muscle that is dead, either laid open, fat, and skin alone.
_DEPTHS = (
    ("4", re.compile(r"\bnecrosis of (?:the )?bone|\bbone necrosis|\bnecrotic bone", re.IGNORECASE)),
    ("3", re.compile(r"\bnecrosis of (?:the )?muscle|\bmuscle necrosis|\bnecrotic muscle", re.IGNORECASE)),
    (
        "6",
        re.compile(r"\b(?:to|expos\w+|visible) (?:the )?bone\b|\bbone(?: is| was)? (?:expos|visible|palpa)\w*", re.I),
    ),
    (
        "5",
        re.compile(
            r"\b(?:to|expos\w+|visible) (?:muscle|tendon)\b|\b(?:muscle|tendon)(?: is| was)? (?:expos|visible)",
            re.IGNORECASE,
        ),
    ),
    (
        "2",
        re.compile(
            r"\b(?:fat|subcutaneous)(?: layer| tissue)?(?: is| was)? (?:expos|visible)|\bfull[- ]thickness|"
            r"\b(?:to|into|expos\w+) (?:the )?(?:fat|subcut\w*)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "1",
        re.compile(r"\blimited to (?:breakdown of )?(?:the )?skin|\bsuperficial|\bpartial[- ]thickness", re.I),
    ),
)
_GLAUCOMA = re.compile(r"icd10cm:H40\.(?:10X|1[1-4][1239]|[3-6][1239])0")
_STAGE = re.compile(r"\b(?P<stage>mild|early|moderate|severe|advanced|end[- ]stage)\b", re.IGNORECASE)
_STAGES = {"mil": "1", "ear": "1", "mod": "2"}
_SEVERE = "3"
_BREAST = re.compile(r"icd10cm:C50\.9\d\d")
_QUADRANT = re.compile(
    r"\b(?:(?P<height>upper|lower)[- ]?(?P<way>outer|inner)|(?P<letters>[UL][OI])Q\b|"
    r"(?P<middle>(?:central|(?:retro|sub)-?areolar)(?= (?:portion|breast|mass|area|region|carcinoma|cancer)))|"
    r"(?P<tail>axillary tail))",
    re.IGNORECASE,
)
_QUADRANTS = {"ui": "2", "li": "3", "uo": "4", "lo": "5"}
_INFARCT = re.compile(r"icd10cm:I63\.5(?:[1349])\d")
_EMBOLIC = re.compile(r"\b(?:cardio-?|athero-?)?embol(?:ic|us|ism)\b", re.IGNORECASE)
_NO_EMBOLUS = re.compile(
    r"\b(?:no|not|without|pulmonary|rule out|r/o|vs\.?|versus|possible)\b[^.;\n]{0,25}$", re.IGNORECASE
)
_STATEMENT = re.compile(r"[.;\n]\s")
_AROUND = 110


def to_its_degree(text: str, start: int, end: int, code: str) -> str:
    """The code for what stands at [start, end), more exact where the words around it say more."""
    if _ULCER.fullmatch(code):
        around = _statement(text, start, end)
        depth = next((number for number, words in _DEPTHS if words.search(around)), None)
        return code[:-1] + depth if depth else code
    if _GLAUCOMA.fullmatch(code):
        stage = _STAGE.search(_statement(text, start, end))
        return code[:-1] + _STAGES.get(stage["stage"][:3].lower(), _SEVERE) if stage else code
    if _INFARCT.fullmatch(code):
        around = _statement(text, start, end)
        embolus = _EMBOLIC.search(around)
        return code.replace("I63.5", "I63.4") if embolus and not _NO_EMBOLUS.search(around[: embolus.start()]) else code
    if _BREAST.fullmatch(code):
        quadrants = {_quadrant(match) for match in _QUADRANT.finditer(text)}
        return f"{_SYSTEM}C50.{quadrants.pop()}{code[-2:]}" if len(quadrants) == 1 else code
    return code


def _statement(text: str, start: int, end: int) -> str:
    """The rest of the statement around what stands there."""
    before = _STATEMENT.split(text[max(0, start - _AROUND) : start])[-1]
    return f"{before} | {_STATEMENT.split(text[end : end + _AROUND])[0]}"


def _quadrant(match: re.Match[str]) -> str:
    if match["middle"]:
        return "1"
    if match["tail"]:
        return "6"
    letters = match["letters"] or match["height"][0] + match["way"][0]
    return _QUADRANTS[letters.lower()]
