"""The dictionary's terms: which wordings stand for which code, from descriptions, inclusion terms and expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from icdcoder.core.code import Code
from icdcoder.knowledge import expressions

if TYPE_CHECKING:
    from icdcoder.systems.table.contract import CodeSystem


class Source(IntEnum):
    """Where a wording comes from; the smaller, the more it is trusted."""

    EXPRESSION = 0
    ABBREVIATION = 1
    DESCRIPTION = 2
    INCLUSION = 3
    HEADING = 4


@dataclass(frozen=True, slots=True)
class Term:
    """code: None for a phrase that holds a condition's name and means none ("flu shot")."""

    text: str
    code: Code | None
    source: Source


NO_CONDITION = Path(str(files("icdcoder.knowledge"))) / "data" / "no_condition.txt"


# Parts of a description that clinicians do not write.
_EMPTY = re.compile(
    r"\b(?:unspecified|nos|not otherwise specified|not elsewhere classified|nec|so stated|as such|"
    r"without (?:mention of )?complications?|without (?:mention of )?status migrainosus|"
    r"initial encounter(?: for closed fracture)?|"
    r"type of|unspecified as to episode of care(?: or not applicable)?)\b"
)
_VAGUE = re.compile(r"^(?:other|certain|unlisted)\b|\b(?:other specified|elsewhere|classified|so specified)\b")
_BRACKETS = re.compile(r"\s*(?:\([^)]*\)|\[[^\]]*\])")
_LONGEST = 90


def terms(system: CodeSystem) -> Iterator[Term]:
    """Every term of a code system. Headings stand for the leaf that is coded when nothing more is known."""
    for line in NO_CONDITION.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield Term(line, None, Source.EXPRESSION)
    known = expressions.load(system.name)
    for code, wordings in known.items():
        for wording in wordings:
            kind = Source.ABBREVIATION if wording.kind == "abbreviation" else Source.EXPRESSION
            yield Term(wording.text, code, kind)
    for code in system.codes():
        leaf = code if system.is_billable(code) else default_leaf(system, code)
        if leaf is None:
            continue
        source = Source.DESCRIPTION if leaf == code else Source.HEADING
        for text in wordings_of(system.description(code)):
            yield Term(text, leaf, source)
        for inclusion in system.inclusion_terms(code):
            for text in wordings_of(inclusion):
                yield Term(text, leaf, max(source, Source.INCLUSION))


def wordings_of(description: str) -> list[str]:
    """What a clinician may write for a tabular description; [] where it names a rest class ("Other …").

    Brackets are taken out and, once, read as words; "unspecified" and its like are dropped; a comma inversion is
    covered because terms are matched whatever their word order.
    """
    lower = description.lower()
    if len(lower) > _LONGEST or _VAGUE.search(lower):
        return []
    found = []
    for text in (_BRACKETS.sub("", lower), lower):
        bare = re.sub(r"[\s,]+$", "", re.sub(r"\s*,\s*(?=,|$)", "", _EMPTY.sub("", text)))
        bare = re.sub(r"\s+", " ", bare).strip(" ,")
        if bare and bare not in found:
            found.append(bare)
    return found


def default_leaf(system: CodeSystem, code: Code) -> Code | None:
    """The billable code under a heading that says no more than the heading; None where there is none.

    At each level the child is taken whose description adds only "unspecified", "without complication" or, for
    injuries, "initial encounter"; ICD-10-CM marks it by the ending 9, 0 or A.
    """
    while not system.is_billable(code):
        children = system.children(code)
        if not children:
            return None
        above = set(re.findall(r"\w+", system.description(code).lower()))
        child = max(children, key=lambda c: _plainness(system.description(c).lower(), c.value, above))
        if _plainness(system.description(child).lower(), child.value, above) <= 0:
            return None
        code = child
    return code


_PLAIN = ("unspecified", "without complication", "initial encounter", "nos", "uncomplicated", "not specified")
_SPECIAL = ("other", "with ", "due to", "subsequent", "sequela", "in diseases classified", "open fracture")


def _plainness(description: str, value: str, above: set[str]) -> float:
    score = 2.0 * sum(word in description for word in _PLAIN)
    score -= 1.5 * sum(word in description.replace("without", "") for word in _SPECIAL)
    added = set(re.findall(r"\w+", description)) - above
    score -= 0.1 * len(added)
    return score + 0.3 * value.endswith(("9", "0", "A"))
