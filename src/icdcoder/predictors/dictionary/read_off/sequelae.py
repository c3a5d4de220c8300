"""What a former stroke has left behind: "prior stroke with residual right hemiparesis" is a sequela, and neither a
history without one nor a paresis of its own. The side counts by the hand that the note says is the leading one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from icdcoder.core.code import Code
from icdcoder.knowledge.stroke_deficits import deficits
from icdcoder.predictors.dictionary.statement import near
from icdcoder.text.led_pattern import LedPattern, in_small_letters

_STROKE = LedPattern(
    re.compile(
        r"\b(?:strokes?|CVAs?|cerebrovascular accidents?|cerebral infarct(?:ion|s)?|"
        r"(?P<bleeding>(?:intracerebral|intracranial|subarachnoid) ha?emorrhage|ICH|SAH))\b"
        r"(?! (?:service|unit|team|clinic|ward|alert|protocol|scale|nurse|code|centre|center|risk|work-?up)\b)",
        re.IGNORECASE,
    ),
    (
        *("stroke", "cva", "cerebrovascular acc", "cerebral inf", "intracerebral h", "intracranial h"),
        *("subarachnoid h", "ich", "sah"),
    ),
)
_KINDS = {"intracer": "I69.1", "ich": "I69.1", "subarach": "I69.0", "sah": "I69.0", "intracra": "I69.2"}
_INFARCT = "I69.3"
_DENIED = re.compile(r"\b(?:no|denies|denied|without|never|negative for)\b[^.;\n]{0,30}$", re.IGNORECASE)
_PAST = re.compile(
    r"\b(?:prior|previous|old|remote|past|history of|hx of|hx|h/o|s/p|status[ -]post|known|chronic)\b[^.;,\n]{0,30}$",
    re.IGNORECASE,
)
_ACUTE = re.compile(r"\b(?:acute|new|subacute|possible|evolving)\b[^.;,\n]{0,30}$", re.IGNORECASE)
_STAYS = re.compile(r"\b(?:residual|residua|persistent|lasting|permanent|chronic|baseline|long-?standing)\b", re.I)
# On the way from a stroke to what it left; what a patient comes with today is not what it left.
_TODAY = re.compile(
    r"\b(?:who|whom|present\w*|admit\w*|now|new|acute|found|develop\w*|came|transferred|sudden\w*|denies|no|without|not|worsening)\b"
    r"|;|\n\s*\n",
    re.IGNORECASE,
)
_WITH = re.compile(r"\b(?:with|complicated by|resulting in|leaving|c/b)\b|w/|\(", re.IGNORECASE)
_SENTENCE = re.compile(r"\.\s")
_CAUSE = re.compile(
    r"[^.;\n]{0,60}?\b(?:from|due to|after|secondary to|following|related to|s/p|status[ -]post|2/2|d/t)\b"
    r"(?P<adjectives>[^.;,\n]{0,30}?)$",
    re.IGNORECASE,
)
_AFTER_IT = re.compile(r"\bpost-?\s?(?:stroke|CVA) $", re.IGNORECASE)
_BEFORE, _BEHIND = 140, 110
# Of a stroke: what it left stands no further away, whatever its words are.
_REACH = 400
_LEFT_HANDED = re.compile(r"\bleft[ -]hand(?:ed\b|[ -]domina)|\bleft[ -]domina|\bLHD\b", re.IGNORECASE)
_AMBIDEXTROUS = re.compile(r"\bambidext", re.IGNORECASE)
# The kind of a dysphagia is coded beside it.
_DYSPHAGIA = "91"
_PHASES = {
    "oral phase": "R13.11",
    "oropharyngeal": "R13.12",
    "pharyngeal": "R13.13",
    "pharyngoesophageal": "R13.14",
}
_PHASE = re.compile(r"\b(?:" + "|".join(_PHASES) + r")\b", re.IGNORECASE)
# Codes in which the side is dominant or not, as they are where the right one is: 1 right, 2 and 4 left.
_OF_A_HAND = re.compile(r"(?:icd10cm:)?(?:G81\.\d|G83\.[123]|I69\.\d[345])[14]")


@dataclass(frozen=True, slots=True)
class Sequela:
    """A deficit at [start, end) of the text, with the code for it; stroke: where the text names the cause."""

    start: int
    end: int
    code: Code
    stroke: tuple[int, int]


def sequelae(text: str) -> Iterator[Sequela]:
    """In no order. The side is coded as if the right hand led; see `of_the_hand`."""
    told = _STROKE.finditer(text, in_small_letters(text))
    strokes = [one for one in told if not _DENIED.search(text, max(0, one.start() - 45), one.start())]
    if not strokes:
        return
    parts = list(near(strokes, _REACH))
    read: list[tuple[int, int]] = []
    for deficit in deficits():
        for match in chain.from_iterable(deficit.words.finditer(text, *part) for part in parts):
            # The weakness of a leg is no weakness besides.
            if any(match.start() < end and start < match.end() for start, end in read):
                continue
            stroke = _stroke_before(text, match.start(), strokes) or _stroke_behind(text, match, strokes)
            if stroke is None:
                continue
            read.append(match.span())
            side = match.groupdict().get("side") or (re.search(r"right|left", match[0], re.I) or [""])[0]
            number = {"r": "1", "l": "4"}.get(side[:1].lower(), "9")
            kind = _KINDS.get(stroke[0][:8].lower(), _INFARCT)
            code = Code("icd10cm", kind + deficit.ending.replace("x", number))
            yield Sequela(match.start(), match.end(), code, stroke.span())
            phase = _PHASE.search(text, max(0, match.start() - 25), match.end() + 30)
            if deficit.ending == _DYSPHAGIA and phase:
                yield Sequela(match.start(), match.end(), Code("icd10cm", _PHASES[phase[0].lower()]), stroke.span())


def of_the_hand(text: str, value: str) -> str:
    """A code for a side, which is dominant or not, for the patient of the text: by the guidelines the right side is
    dominant where nothing is said of the hand, and both are in one who uses both."""
    if not _OF_A_HAND.fullmatch(value):
        return value
    if value.endswith("4") and (_LEFT_HANDED.search(text) or _AMBIDEXTROUS.search(text)):
        return value[:-1] + "2"
    if value.endswith("1") and _LEFT_HANDED.search(text):
        return value[:-1] + "3"
    return value


def _stroke_before(text: str, at: int, strokes: list[re.Match[str]]) -> re.Match[str] | None:
    stroke = next((one for one in reversed(strokes) if at - _BEFORE < one.start() and one.end() <= at), None)
    if stroke is None:
        return None
    if _AFTER_IT.search(text, max(0, at - 14), at):
        return stroke
    way = text[stroke.end() : at]
    leading = text[max(0, stroke.start() - 45) : stroke.start()]
    if _ACUTE.search(leading) or _TODAY.search(way):
        return None
    if _STAYS.search(way):
        return stroke if len(_SENTENCE.findall(way)) < 2 else None
    past = _PAST.search(leading) and _WITH.search(way) and not _SENTENCE.search(way)
    return stroke if past else None


def _stroke_behind(text: str, match: re.Match[str], strokes: list[re.Match[str]]) -> re.Match[str] | None:
    at = match.end()
    stroke = next((one for one in strokes if at <= one.start() < at + _BEHIND), None)
    if stroke is None:
        return None
    way = text[at : stroke.start()]
    cause = _CAUSE.fullmatch(way)
    if cause is None or _TODAY.search(way) or _ACUTE.search(way):
        return None
    leading = re.split(r"[.;\n]", text[max(0, match.start() - 60) : match.start()])[-1]
    past = _STAYS.search(leading) or _PAST.search(cause["adjectives"])
    return stroke if past and not _TODAY.search(leading[-30:]) else None
