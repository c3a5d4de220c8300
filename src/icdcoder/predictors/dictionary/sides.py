"""Which code says of a condition the right, the left or both sides, where another leaves the side open."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.words import SIDES

if TYPE_CHECKING:
    from icdcoder.systems.table.contract import CodeSystem

# "Unilateral" says that it is one of the two, and leaves open which.
_ONE_OF_TWO = re.compile(r"\bunilateral\b,? ?(?!primary|post)")
_OPEN = re.compile(r"\bunspecified\b")
_SIDE = re.compile(r"\b(?:right|left|bilateral|both)\b")
# "Right eye", "unspecified eye", "bilateral": the organ is named with one side only.
_PLACE = re.compile(r"\b(?:right|left|bilateral|both|unspecified)\b(?: (?:side|eyes?|ears?|lacrimal glands?)\b)?")
# "Bilateral upper limbs" are the two of "unspecified upper limb".
_MANY = re.compile(r"\b(limb|arm|leg|hand|eyelid|lid|hip|knee|foot|vein|wrist|ankle|shoulder|elbow|kidney)s\b")
# "Of extremities, right leg" is a side of "of extremities, unspecified extremity".
_LEG_OF_EXTREMITIES = re.compile(r"(?<=of extremity, ) ?leg$")
# Where the hand is not told, the right side counts as dominant (ICD-10-CM guidelines, chapter 6).
_DOMINANT = re.compile(r"\b(?:(right) dominant|(left) nondominant)\b")
_OTHER_DOMINANT = re.compile(r"\bright nondominant|left dominant\b")


def sided(system: CodeSystem) -> dict[Code, Mapping[int, Code]]:
    """{code without a side: {side of SIDES: code}}, told by descriptions that differ in that word only."""
    named: dict[tuple[str, str], dict[int, Code]] = defaultdict(dict)
    opened: dict[tuple[str, str], Code] = {}
    for code in system.billable():
        text = system.description(code).lower()
        one_of_two = _ONE_OF_TWO.search(text) is not None
        text = _ONE_OF_TWO.sub("unspecified ", text) if one_of_two else text
        if not _PLACE.search(text):  # neither a side nor one left open
            continue
        if _OTHER_DOMINANT.search(text):
            continue
        text = _DOMINANT.sub(lambda m: m[1] or m[2], text)
        rest = _MANY.sub(r"\1", _PLACE.sub("", text)).replace("extremities", "extremity")
        rest = re.sub(r"\beye[,\s]*$", "", rest)
        rest = _LEG_OF_EXTREMITIES.sub("extremity", rest)
        key = (code.value[:3], re.sub(r"[\s,]+", " ", rest).strip())
        sides = {SIDES[word] for word in _SIDE.findall(text)}
        if one_of_two:
            for side in (SIDES["right"], SIDES["left"]):
                named[key].setdefault(side, code)
        elif len(sides) == 1:
            named[key].setdefault(sides.pop(), code)
        elif not sides and _OPEN.search(text):
            opened.setdefault(key, code)
    return {code: named[key] for key, code in opened.items() if key in named}
