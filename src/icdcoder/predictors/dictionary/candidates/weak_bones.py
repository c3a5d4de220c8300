"""Fractures of bones that a disease has made weak: with osteoporosis they are M80 unless the force would have broken a
normal bone (guidelines I.C.13.d.2), with a cancer in the bone M84.5."""

from __future__ import annotations

import re
from dataclasses import replace

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.candidates.candidate import ACCEPTED, Candidate, Descriptions
from icdcoder.predictors.dictionary.candidates.together import LESS_SPECIFIC

_FORCE = re.compile(
    r"\b(?:MVC|MVA|motor vehicle|motorcycle|car accident|road traffic|traffic accident|collision|crash|pedestrian|"
    r"ladder|roof|fall from (?:a )?height|\d+ (?:feet|foot|ft)|high[- ](?:energy|speed|impact)|gunshot|"
    r"assault\w*|polytrauma)\b",
    re.IGNORECASE,
)
_WEAK = re.compile(r"\b(?:fragility|osteoporotic|insufficiency)\b", re.IGNORECASE)
# Which bones have which code of M80.0, M84.4 and M84.5; "side": its sixth character is the side.
_BONES = (
    (("S12", "S22.0", "S32.0", "S32.1", "S32.2", "M48.5"), "8X"),
    (("S42.0", "S42.1"), "1side"),
    (("S42.2", "S42.3", "S42.4"), "2side"),
    (("S52",), "3side"),
    (("S62",), "4side"),
    (("S72",), "5side"),
    (("S82.5", "S82.6", "S82.8", "S92"), "7side"),
    (("S82",), "6side"),
    (("S22.2", "S22.3", "S22.4", "S22.9"), "AX"),
    (("S32.3", "S32.4", "S32.5", "S32.6", "S32.8"), "Bside"),
)
_CANCER_OF_BONE = ("C79.51", "C90.0", "C41", "C40")


def with_weak_bones(scored: list[Candidate], descriptions: Descriptions, note: str) -> list[Candidate]:
    """With the codes of pathological fractures in the place of those of injured bones."""
    accepted = [c for c in scored if c.score >= ACCEPTED and c.code.system == "icd10cm"]
    broken = [c for c in accepted if c.code.value.startswith(("S", "M48.5", "M84.4")) and c.code.value.endswith("A")]
    if not broken:
        return scored
    bones = next((c for c in accepted if c.code.value.startswith(("M81.0", "M80.0"))), None)
    cancer = next((c for c in accepted if c.code.value.startswith(_CANCER_OF_BONE)), None)
    by_code = {c.code: c for c in scored}
    for one in broken:
        value = None
        if one.code.value.startswith("M84.4"):
            stem = "M84.5" if cancer else "M80.0" if bones else None
            value = stem and stem + one.code.value.removeprefix("M84.4")
        elif (bones and not _FORCE.search(note)) or _said_weak(one, note):
            value = _of_weak_bone(one.code, descriptions)
        code = Code("icd10cm", value) if value else None
        if code is None or not descriptions.known(code):
            continue
        old, cause = by_code.get(code), cancer if code.value.startswith("M84.5") else bones
        pathological = descriptions.recoded(one, code)
        if cause is not None:
            both = (*one.mentions, *cause.mentions), (*one.senses, *cause.senses)
            pathological = replace(pathological, mentions=both[0], senses=both[1])
        by_code[code] = replace(pathological, score=max(one.score, old.score if old else 0.0))
        by_code[one.code] = replace(one, score=one.score * LESS_SPECIFIC)
    return list(by_code.values())


def _of_weak_bone(code: Code, descriptions: Descriptions) -> str | None:
    site = next((site for stems, site in _BONES if code.value.startswith(stems)), None)
    text = descriptions[code].lower()
    if site is None or not ("fracture" in text or "collapsed" in text):
        return None
    side = "1" if "right" in text else "2" if "left" in text else "9"
    return f"M80.0{site.replace('side', side)}A"


def _said_weak(one: Candidate, note: str) -> bool:
    return any(_WEAK.search(note, max(0, m.start - 20), m.end) for m in one.mentions)
