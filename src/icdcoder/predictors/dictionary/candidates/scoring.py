"""From mentions to ranked codes. Every number here is a judgement, not fitted to a corpus."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, takewhile

from icdcoder.core.code import Code
from icdcoder.knowledge.histories import history_of
from icdcoder.knowledge.said_by_another import said_by_others
from icdcoder.predictors.dictionary.candidates.candidate import ACCEPTED, CONTENT_WORDS, Candidate, Descriptions
from icdcoder.predictors.dictionary.candidates.diabetes import of_one_type, with_complications
from icdcoder.predictors.dictionary.candidates.displaced import with_nondisplaced
from icdcoder.predictors.dictionary.candidates.open_fractures import with_open_fractures
from icdcoder.predictors.dictionary.candidates.together import (
    LESS_SPECIFIC,
    most_specific,
    with_chapter15,
    with_combinations,
    with_implied,
    with_newborn,
    with_one_duration,
)
from icdcoder.predictors.dictionary.candidates.weak_bones import with_weak_bones
from icdcoder.predictors.dictionary.compiled import Dictionary, Sense
from icdcoder.predictors.dictionary.cured import TAKEN_AWAY
from icdcoder.predictors.dictionary.mentions import Mention
from icdcoder.predictors.dictionary.terms import Source
from icdcoder.text.tokens import found_by

# How far a wording alone supports the code.
TRUST = {
    Source.EXPRESSION: 0.85,
    Source.ABBREVIATION: 0.75,
    Source.DESCRIPTION: 0.80,
    Source.INCLUSION: 0.70,
    Source.INDEX: 0.64,
    Source.HEADING: 0.62,
    Source.EVERYDAY: 0.30,
}
# A longer wording is less often a chance match.
LONGER = 0.03
# Each word that stands between the words of the term, and a term inside a longer one.
GAP = 0.73
INDEX_GAP = 0.6
NESTED = 0.4
# What the assertion leaves of it. A condition said to be "historical" is often still treated.
STATUS = {
    "affirmed": 1.0,
    "historical": 0.85,
    "uncertain": 0.60,
    "hypothetical": 0.15,
    "negated": 0.05,
    "family": 0.05,
}
# Of the doubtful conditions: one that was only looked for; one by an abbreviation, of which no less is left in the end
# than of the words that it stands for.
ASKED = 0.75
DOUBTED_ABBREVIATION = 1.12
# What the section leaves of it; sections not named here leave all.
SECTION = {
    "family_history": 0.10,
    "immunizations": 0.10,
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
# A condition of the past or of the family, as its code of history; what is left for the condition itself.
HISTORY = 0.9
PAST_CONDITION = 0.5
# An operation of the past, and one that may be of today.
DONE = 0.75
PRESENT = 0.15
# An organism inside the name of its infection is coded beside it.
ORGANISMS = ("icd10cm:B95", "icd10cm:B96", "icd10cm:B97", "icd9cm:041")
FAMILY = (
    "icd10cm:Z80",
    "icd10cm:Z81",
    "icd10cm:Z82",
    "icd10cm:Z83",
    "icd10cm:Z84",
    "icd9cm:V16",
    "icd9cm:V17",
    "icd9cm:V18",
    "icd9cm:V19",
)
PROCEDURES = ("icd10pcs:", "icd9pcs:")
# What is not coded of the past, and leaves no history that is.
_PASSING = "A38 B01 B02 B05 B06 B26 B27 H10 H46 J00 J01 J02 J03 J04 J05 J06 J20 J21 J22 L03 N10 N17 O6 O7".split()
GONE = (*PROCEDURES, *ORGANISMS, *TAKEN_AWAY, *(f"icd10cm:{value}" for value in _PASSING))
HIGHEST = 0.99

_words = found_by(re.compile(r"[^\W_]+"))


@dataclass(frozen=True, slots=True)
class Habits:
    """How codes are given that others say already. integral: a symptom is not coded beside the condition it belongs
    to, nor a rest class beside the named one (knowledge/said_by_another.py). specific: a general code is not given
    beside a more specific one, nor for a word inside a longer term ("edema" in "macular edema")."""

    integral: bool = True
    specific: bool = True


def candidates(
    found: list[Mention], dictionary: Dictionary, descriptions: Descriptions, note: str, habits: Habits | None = None
) -> list[Candidate]:
    """Ranked codes of one note. note: its text, for the words of descriptions."""
    habits = habits or Habits()
    found = list(_confirmed(found, dictionary))
    supports: dict[int, list[tuple[float, Mention, Sense]]] = defaultdict(list)
    for mention in found:
        for rank, sense in enumerate(mention.senses):
            other_reading = rank > 0 and not sense.joint
            if mention.nested and dictionary.codes[sense.code].startswith(ORGANISMS):
                mention = replace(mention, nested=False)
            seen = mention if habits.specific or not mention.nested else replace(mention, nested=False)
            if mention.status == "family" and dictionary.codes[sense.code].startswith(FAMILY):
                seen = replace(seen, status="affirmed", section="other")
            strength = support(seen, sense) * (SECOND_SENSE if other_reading else 1)
            if mention.over and dictionary.codes[sense.code].startswith(GONE):
                strength *= PAST_CONDITION
            history = _history(mention, dictionary.code(sense.code))
            if history is not None:
                told = replace(mention, status="affirmed", section="other")
                as_history = support(told, sense) * (SECOND_SENSE if other_reading else 1)
                supports[dictionary.number(history)].append((as_history * HISTORY, mention, sense))
                strength *= PAST_CONDITION
            supports[sense.code].append((strength, mention, sense))
    words = frozenset(map(CONTENT_WORDS.__getitem__, set(_words(note))))
    scored = []
    for number, rows in supports.items():
        rows.sort(key=lambda row: (-row[0], row[1].start))
        strengths, mentions, senses = zip(*rows, strict=True)
        best = strengths[0]
        repeats = sum(strength > 0.3 and sense.source != Source.EVERYDAY for strength, _, sense in rows[1:])
        score = min(HIGHEST, 1 - (1 - best) * (1 - REPEATED) ** repeats)
        code = dictionary.code(number)
        said = descriptions.said(code)
        scored.append(
            Candidate(
                code,
                score,
                mentions,
                senses,
                best,
                descriptions.unspecified(code),
                len(said & words) / max(1, len(said)),
                len(said),
            )
        )
    scored = _together(scored, descriptions, note)
    if habits.specific:
        scored = most_specific(scored, descriptions)
    if habits.integral:
        lowered = said_by_others([c.code for c in scored if c.score >= ACCEPTED])
        scored = [replace(c, score=c.score * LESS_SPECIFIC) if c.code in lowered else c for c in scored]
    return sorted(scored, key=lambda c: (-c.score, c.code))


def _together(scored: list[Candidate], descriptions: Descriptions, note: str) -> list[Candidate]:
    """With what the candidates say together, and the note apart from their mentions."""
    scored = with_newborn(scored, descriptions, note)
    scored = with_weak_bones(of_one_type(scored, descriptions, note), descriptions, note)
    scored = with_complications(scored, descriptions, note)
    scored = with_nondisplaced(scored, descriptions, note)
    scored = with_open_fractures(scored, descriptions, note)
    scored = with_combinations(with_implied(scored, descriptions), descriptions)
    scored = with_implied(scored, descriptions)  # of the codes for both, too
    return with_chapter15(with_one_duration(scored), descriptions, note)


def _confirmed(found: list[Mention], dictionary: Dictionary) -> Iterator[Mention]:
    """The mentions; one that jumps over a word or a comma counts as if it did not where one that begins with it, and
    does not jump, says the same category: "Hodgkin lymphoma" in "Hodgkin lymphoma, nodular sclerosis"."""
    for number, mention in enumerate(found):
        if mention.gaps == 1 and not mention.nested:
            categories = {_category(dictionary, sense) for sense in mention.senses}
            beginning = takewhile(partial(_begins_at, mention.start), islice(found, number + 1, None))
            if any(not other.gaps and _category(dictionary, other.senses[0]) in categories for other in beginning):
                mention = replace(mention, gaps=0)
        yield mention


def _begins_at(start: int, mention: Mention) -> bool:
    return mention.start == start


def _category(dictionary: Dictionary, sense: Sense) -> str:
    return dictionary.codes[sense.code].partition(".")[0]


def _history(mention: Mention, code: Code) -> Code | None:
    """The code for a condition of the past or of a relative, where the note says it is one and there is such a code."""
    if mention.over:
        return history_of(code, "personal")
    of_family = mention.status == "family" and not mention.stranger
    return history_of(code, "family") if of_family else None


def support(mention: Mention, sense: Sense) -> float:
    """How far one mention supports one of its senses."""
    if sense.source == Source.PAST:
        done = DONE if mention.status == "historical" else TRUST[Source.EVERYDAY] if sense.joint else PRESENT
        return done * (NESTED if mention.nested else 1.0)
    trust = TRUST[sense.source] + LONGER * min(sense.words - 1, 4)
    trust *= (INDEX_GAP if sense.source >= Source.INDEX else GAP) ** mention.gaps * (NESTED if mention.nested else 1.0)
    if mention.status == "uncertain":
        trust *= DOUBTED_ABBREVIATION if sense.source == Source.ABBREVIATION else 1.0
        trust *= ASKED if mention.asked else 1.0
    return min(HIGHEST, trust * STATUS.get(mention.status, 1.0) * SECTION.get(mention.section, 1.0))
