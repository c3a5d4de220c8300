"""From mentions to ranked codes. Every number here is a judgement, not fitted to a corpus."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.compiled import Dictionary, Sense
from icdcoder.predictors.dictionary.mentions import Mention
from icdcoder.predictors.dictionary.terms import Source
from icdcoder.text.normal_form import normal_words

# How far a wording alone supports the code.
TRUST = {
    Source.EXPRESSION: 0.85,
    Source.ABBREVIATION: 0.75,
    Source.DESCRIPTION: 0.80,
    Source.INCLUSION: 0.70,
    Source.HEADING: 0.62,
}
# A longer wording is less often a chance match.
LONGER = 0.03
# What the assertion leaves of it. A condition said to be "historical" is often still treated.
STATUS = {
    "affirmed": 1.0,
    "historical": 0.85,
    "uncertain": 0.60,
    "hypothetical": 0.15,
    "negated": 0.05,
    "family": 0.05,
}
# What the section leaves of it; sections not named here leave all.
SECTION = {
    "family_history": 0.10,
    "allergies": 0.30,
    "instructions": 0.35,
    "follow_up": 0.35,
    "review_of_systems": 0.60,
    "medications": 0.60,
    "medications_on_admission": 0.60,
    "discharge_medications": 0.60,
    "physical_exam": 0.80,
    "imaging": 0.85,
    "admission_diagnosis": 1.05,
    "postoperative_diagnosis": 1.10,
    "problem_list": 1.05,
    "discharge_diagnosis": 1.10,
    "assessment": 1.10,
    "impression": 1.10,
}
# Each further mention takes away this share of the remaining doubt.
REPEATED = 0.12
# A second code that the same words may stand for.
SECOND_SENSE = 0.5
# An unspecified code beside a more specific one of the same category.
LESS_SPECIFIC = 0.45
HIGHEST = 0.99
ACCEPTED = 0.5
_SAYS_NOTHING = re.compile(
    r"\b(?:unspecified|nos|not otherwise specified|not elsewhere classified|without \w+|not specified|of)\b"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A code with its score and the mentions behind it, best first."""

    code: Code
    score: float
    mentions: tuple[Mention, ...]


def candidates(found: list[Mention], dictionary: Dictionary, description: dict[Code, str]) -> list[Candidate]:
    """Ranked codes of one note. description: looked up for codes of categories that occur more than once."""
    supports: dict[int, list[tuple[float, Mention]]] = defaultdict(list)
    for mention in found:
        for rank, sense in enumerate(mention.senses):
            supports[sense.code].append((support(mention, sense) * SECOND_SENSE ** min(rank, 1), mention))
    scored = []
    for number, rows in supports.items():
        rows.sort(key=lambda row: (-row[0], row[1].start))
        best = rows[0][0]
        repeats = sum(score > 0.3 for score, _ in rows[1:])
        score = min(HIGHEST, 1 - (1 - best) * (1 - REPEATED) ** repeats)
        scored.append(Candidate(dictionary.code(number), score, tuple(mention for _, mention in rows)))
    scored = _most_specific(scored, description)
    return sorted(scored, key=lambda c: (-c.score, c.code))


def support(mention: Mention, sense: Sense) -> float:
    """How far one mention supports one of its senses."""
    trust = TRUST[sense.source] + LONGER * min(sense.words - 1, 4)
    return min(HIGHEST, trust * STATUS.get(mention.status, 1.0) * SECTION.get(mention.section, 1.0))


def _most_specific(scored: list[Candidate], description: dict[Code, str]) -> list[Candidate]:
    """Lowers a code beside an accepted one of its category that says all it says and more ("unspecified" says
    nothing): J44.9 beside J44.1, N18.9 beside N18.30."""
    groups: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in scored:
        groups[candidate.code.system, candidate.code.value.partition(".")[0]].append(candidate)
    result = []
    for group in groups.values():
        said = {c.code: _said(description.get(c.code, "")) for c in group}
        accepted = [c.code for c in group if c.score >= ACCEPTED]
        for c in group:
            lowered = any(said[c.code] < said[other] for other in accepted)
            result.append(Candidate(c.code, c.score * LESS_SPECIFIC, c.mentions) if lowered else c)
    return result


def _said(description: str) -> frozenset[str]:
    """The content words of a description."""
    return frozenset(word for word in normal_words(_SAYS_NOTHING.sub(" ", description.lower())).words if word)
