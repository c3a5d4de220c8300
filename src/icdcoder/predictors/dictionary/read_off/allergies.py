"""Allergies: what a section of allergies lists, as codes of allergy status (Z88, Z91.0).

Elsewhere an allergy is stated in words ("allergic to latex"), which are wordings of the dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from icdcoder.core.code import Code
from icdcoder.knowledge.allergens import status
from icdcoder.text.sections import Section

MOST_WORDS = 2
# A list of allergies is short; what follows a blank line, or goes on for longer, is something else.
_LONGEST = 400
_ENDS = re.compile(
    r"\n[ \t]*\r?\n|[.\n]\s*(?:he|she|the patient|patient|pt|takes?|taking|medications?|meds|on examination|"
    r"current\w*|social|family|past|no )\b",
    re.IGNORECASE,
)
_NONE = re.compile(
    r"\b(?:NKDA|NKA|NKMA|none|no (?:known|drug|medication|food|allerg)|denie[sd]|negative)\b", re.IGNORECASE
)
# "Tolerates cephalosporins"; "rash, took Benadryl": no allergen follows.
_NOT_TO = re.compile(
    r"\b(?:tolerat\w+|took|takes?|taking|given|treated with|uses?|using|relieved by|not)\b", re.IGNORECASE
)
_STATEMENT = re.compile(r"[^.;\n]+")
_WORD = re.compile(r"[A-Za-z][A-Za-z/-]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Allergy:
    """An allergen at [start, end) of the text."""

    start: int
    end: int
    code: Code


def allergies(
    text: str, sections: Sequence[Section], stems: Mapping[str, str], exists: Callable[[Code], bool]
) -> Iterator[Allergy]:
    """Those that the sections of allergies list. stems: of knowledge/table_of_drugs.py. exists: whether the
    edition has a code."""
    for section in sections:
        if section.kind != "allergies":
            continue
        end = min(section.end, section.body_start + _LONGEST)
        if stop := _ENDS.search(text, section.body_start + 1, end):
            end = stop.start()
        if not _NONE.search(text, section.body_start, end):
            for statement in _STATEMENT.finditer(text, section.body_start, end):
                yield from _listed(text, statement, stems, exists)


def _listed(
    text: str, statement: re.Match[str], stems: Mapping[str, str], exists: Callable[[Code], bool]
) -> Iterator[Allergy]:
    end = statement.end()
    if other := _NOT_TO.search(text, statement.start(), end):
        end = other.start()
    words = [match.span() for match in _WORD.finditer(text, statement.start(), end)]
    at = 0
    while at < len(words):
        for last in reversed(range(at, min(at + MOST_WORDS, len(words)))):
            value = status(" ".join(text[words[at][0] : words[last][1]].lower().split()), stems)
            if value is not None and exists(code := Code("icd10cm", value)):
                yield Allergy(words[at][0], words[last][1], code)
                at = last
                break
        at += 1
