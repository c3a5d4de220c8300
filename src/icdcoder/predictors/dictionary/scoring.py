"""From mentions to ranked codes. Every number here is a judgement, not fitted to a corpus."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from icdcoder.core.code import Code
from icdcoder.knowledge.combinations import combined
from icdcoder.knowledge.histories import history_of
from icdcoder.knowledge.implied_codes import implied, likely
from icdcoder.knowledge.said_by_another import said_by_others
from icdcoder.predictors.dictionary.compiled import Dictionary, Sense
from icdcoder.predictors.dictionary.mentions import Mention
from icdcoder.predictors.dictionary.terms import Source
from icdcoder.text.memo import Memo
from icdcoder.text.normal_form import normal_form, normal_words
from icdcoder.text.word_variants import joined

if TYPE_CHECKING:
    from icdcoder.systems.table.contract import CodeSystem

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
# An unspecified code beside a more specific one of the same category.
LESS_SPECIFIC = 0.45
# A condition of the past or of the family, as its code of history; what is left for the condition itself.
HISTORY = 0.9
PAST_CONDITION = 0.5
# An operation of the past, and one that may be of today.
DONE = 0.75
PRESENT = 0.15
# A candidate by a word that is too little alone, and what it counts beside the codes that make it likely.
LIKELY_FROM = 0.25
LIKELY = 0.6
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
HIGHEST = 0.99
ACCEPTED = 0.5
_WORD = re.compile(r"[^\W_]+")
_SAYS_NOTHING = re.compile(
    r"\b(?:unspecified (?:as|whether) .*|unspecified|nos|not otherwise specified|not elsewhere classified|"
    r"without [^,]*|not specified|uncomplicated|of|sites?|region|other|organism|initial encounter)\b"
)
_CONTENT_WORDS = Memo(lambda word: joined(normal_form(word)), most=200_000)


@dataclass(frozen=True, slots=True)
class Habits:
    """How codes are given that others say already. integral: a symptom is not coded beside the condition it belongs
    to, nor a rest class beside the named one (knowledge/said_by_another.py). specific: a general code is not given
    beside a more specific one, nor for a word inside a longer term ("edema" in "macular edema")."""

    integral: bool = True
    specific: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """A code with its score and the mentions behind it, best first.

    senses: for each mention, in which sense it stands for the code. support: of the best mention. overlap: share of
    the description's words that the note has; described: how many words the description has.
    """

    code: Code
    score: float
    mentions: tuple[Mention, ...]
    senses: tuple[Sense, ...]
    support: float
    unspecified: bool
    overlap: float
    described: int

    @property
    def category(self) -> str:
        return self.code.value.partition(".")[0]


def candidates(
    found: list[Mention], dictionary: Dictionary, descriptions: Descriptions, note: str, habits: Habits | None = None
) -> list[Candidate]:
    """Ranked codes of one note. note: its text, for the words of descriptions."""
    habits = habits or Habits()
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
            if mention.over and dictionary.codes[sense.code].startswith(PROCEDURES):
                strength *= PAST_CONDITION
            history = _history(mention, dictionary.code(sense.code))
            if history is not None:
                told = replace(mention, status="affirmed", section="other")
                as_history = support(told, sense) * (SECOND_SENSE if other_reading else 1)
                supports[dictionary.number(history)].append((as_history * HISTORY, mention, sense))
                strength *= PAST_CONDITION
            supports[sense.code].append((strength, mention, sense))
    words = frozenset(map(_CONTENT_WORDS.__getitem__, set(_WORD.findall(note))))
    scored = []
    for number, rows in supports.items():
        rows.sort(key=lambda row: (-row[0], row[1].start))
        strengths, mentions, senses = zip(*rows, strict=True)
        best = strengths[0]
        repeats = sum(strength > 0.3 for strength in strengths[1:])
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
    scored = _with_implied(_with_combinations(scored, descriptions), descriptions)
    if habits.specific:
        scored = _most_specific(scored, descriptions)
    if habits.integral:
        lowered = said_by_others([c.code for c in scored if c.score >= ACCEPTED])
        scored = [replace(c, score=c.score * LESS_SPECIFIC) if c.code in lowered else c for c in scored]
    return sorted(scored, key=lambda c: (-c.score, c.code))


def _history(mention: Mention, code: Code) -> Code | None:
    """The code for a condition of the past or of a relative, where the note says it is one and there is such a code."""
    if mention.over:
        return history_of(code, "personal")
    of_family = mention.status == "family" and not mention.stranger
    return history_of(code, "family") if of_family else None


def support(mention: Mention, sense: Sense) -> float:
    """How far one mention supports one of its senses."""
    if sense.source == Source.PAST:
        return DONE if mention.status == "historical" else PRESENT
    trust = TRUST[sense.source] + LONGER * min(sense.words - 1, 4)
    trust *= (INDEX_GAP if sense.source >= Source.INDEX else GAP) ** mention.gaps * (NESTED if mention.nested else 1.0)
    if mention.status == "uncertain":
        trust *= DOUBTED_ABBREVIATION if sense.source == Source.ABBREVIATION else 1.0
        trust *= ASKED if mention.asked else 1.0
    return min(HIGHEST, trust * STATUS.get(mention.status, 1.0) * SECTION.get(mention.section, 1.0))


def _most_specific(scored: list[Candidate], descriptions: Descriptions) -> list[Candidate]:
    """Lowers a code beside an accepted one of its category that says all it says and more ("unspecified" says
    nothing): J44.9 beside J44.1, N18.9 beside N18.30."""
    groups: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in scored:
        groups[candidate.code.system, candidate.category].append(candidate)
    result = []
    for group in groups.values():
        accepted = [c.code for c in group if c.score >= ACCEPTED]
        for c in group:
            said = descriptions.said(c.code)
            lowered = any(said < descriptions.said(other) for other in accepted)
            result.append(replace(c, score=c.score * LESS_SPECIFIC) if lowered else c)
    return result


def _with_combinations(scored: list[Candidate], descriptions: Descriptions) -> list[Candidate]:
    """With the codes for two conditions at once, which stand on the mentions of both; the first gives way to it."""
    by_code = {c.code: c for c in scored}
    # A combination may be combined once more: hypertension with heart failure, and with kidney disease.
    for _ in range(2):
        accepted = [c.code for c in by_code.values() if c.score >= ACCEPTED]
        heard = [c.code for c in by_code.values() if LIKELY_FROM <= c.score < ACCEPTED]
        for first, other, both in list(combined(accepted, heard)):
            one, two = by_code[first], by_code[other]
            old = by_code.get(both)
            sure = min(one.score, two.score) if two.score >= ACCEPTED else one.score
            score = max(sure, old.score if old else 0.0)
            said = descriptions.said(both)
            by_code[both] = Candidate(
                both,
                score,
                (*one.mentions, *two.mentions),
                (*one.senses, *two.senses),
                min(one.support, two.support),
                descriptions.unspecified(both),
                max(one.overlap, two.overlap),
                len(said),
            )
            by_code[first] = replace(one, score=one.score * LESS_SPECIFIC)
    return list(by_code.values())


def _with_implied(scored: list[Candidate], descriptions: Descriptions) -> list[Candidate]:
    """With the codes that an accepted one brings with it (knowledge/implied_codes.py), on the same mentions."""
    by_code = {c.code: c for c in scored}
    accepted = [c.code for c in scored if c.score >= ACCEPTED]
    for code in likely(accepted):
        one = by_code.get(code)
        if one is not None and LIKELY_FROM <= one.score < LIKELY:
            by_code[code] = replace(one, score=LIKELY)
    for stated, missing in list(implied(accepted)):
        one, known = by_code[stated], by_code.get(missing)
        if known is None or known.score < one.score:
            said = descriptions.said(missing)
            by_code[missing] = replace(
                one, code=missing, unspecified=descriptions.unspecified(missing), described=len(said)
            )
    return list(by_code.values())


class Descriptions:
    """What descriptions say, each read once."""

    def __init__(self, systems: Mapping[str, CodeSystem]) -> None:
        self._systems = systems
        self._read: dict[Code, tuple[frozenset[str], bool]] = {}

    def __getitem__(self, code: Code) -> str:
        return self._systems[code.system].description(code)

    def said(self, code: Code) -> frozenset[str]:
        """The content words of a code's description."""
        return self._found(code)[0]

    def unspecified(self, code: Code) -> bool:
        return self._found(code)[1]

    def _found(self, code: Code) -> tuple[frozenset[str], bool]:
        found = self._read.get(code)
        if found is None:
            text = self[code].lower()
            words = normal_words(_SAYS_NOTHING.sub(" ", text)).words
            found = self._read[code] = (frozenset(joined(word) for word in words if word), "unspecified" in text)
        return found
