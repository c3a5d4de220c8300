"""The codes of one note beside each other: which are given for two at once, which bring another, which say no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from icdcoder.core.code import Code
from icdcoder.knowledge.chapter15 import Period, complicating
from icdcoder.knowledge.combinations import combined
from icdcoder.knowledge.implied_codes import implied, likely
from icdcoder.knowledge.newborn import of_a_newborn
from icdcoder.predictors.dictionary.candidates.candidate import ACCEPTED, Candidate, Descriptions
from icdcoder.predictors.dictionary.read_off.newborn import is_newborn
from icdcoder.predictors.dictionary.read_off.pregnancy import IN_WORDS, period

# An unspecified code beside a more specific one of the same category.
LESS_SPECIFIC = 0.45
# A candidate by a word that is too little alone, and what it counts beside the codes that make it likely.
LIKELY_FROM = 0.25
LIKELY = 0.6
# A disease that may have several complications, each of which has a code, and how its code without any ends.
_SEVERAL, _UNCOMPLICATED = ("E10", "E11", "J44.1"), ".9"


def most_specific(scored: list[Candidate], descriptions: Descriptions) -> list[Candidate]:
    """Lowers a code beside an accepted one of its category that says all it says and more ("unspecified" says
    nothing): J44.9 beside J44.1, N18.9 beside N18.30."""
    lowered = less_specific([c.code for c in scored], [c.code for c in scored if c.score >= ACCEPTED], descriptions)
    return [replace(c, score=c.score * LESS_SPECIFIC) if c.code in lowered else c for c in scored]


def less_specific(codes: Iterable[Code], accepted: Iterable[Code], descriptions: Descriptions) -> set[Code]:
    """Those of `codes` of which an accepted one of their category says more."""
    said: dict[tuple[str, str], list[frozenset[str]]] = defaultdict(list)
    for code in accepted:
        said[_category(code)].append(descriptions.said(code))
    return {code for code in codes if any(descriptions.said(code) < more for more in said.get(_category(code), ()))}


def _category(code: Code) -> tuple[str, str]:
    return code.system, code.value.partition(".")[0]


def with_combinations(scored: list[Candidate], descriptions: Descriptions) -> list[Candidate]:
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
            if gives_way(first):
                by_code[first] = replace(one, score=one.score * LESS_SPECIFIC)
    return list(by_code.values())


def gives_way(first: Code) -> bool:
    """Whether the first code of a combination goes: diabetes with a complication stays beside another one, and so does
    COPD with an exacerbation."""
    return not first.value.startswith(_SEVERAL) or first.value.endswith(_UNCOMPLICATED)


def with_implied(scored: list[Candidate], descriptions: Descriptions) -> list[Candidate]:
    """With the codes that an accepted one brings with it (knowledge/implied_codes.py), on the same mentions."""
    by_code = {c.code: c for c in scored}
    accepted = [c.code for c in scored if c.score >= ACCEPTED]
    for code in likely(accepted):
        one = by_code.get(code)
        if one is not None and LIKELY_FROM <= one.score < LIKELY:
            by_code[code] = replace(one, score=LIKELY)
    for stated, missing in list(implied(accepted)):
        descriptions.give(by_code, by_code[stated], missing)
    return list(by_code.values())


def with_chapter15(scored: list[Candidate], descriptions: Descriptions, note: str) -> list[Candidate]:
    """With the codes of chapter 15 where the note is of a pregnancy, a delivery or the puerperium, and with the
    trimester in those that leave it open."""
    by_code = {c.code: c for c in scored}
    accepted = [c.code for c in scored if c.score >= ACCEPTED]
    when = period(note, accepted)
    if when is None:
        return scored
    for code in accepted:
        one = by_code[code]
        found = complicating(code, when)
        other = found.code if found else _told(code, when, descriptions)
        if other is None or other == code or not descriptions.known(other):
            continue
        descriptions.give(by_code, one, other)
        if found is None or found.instead:
            by_code[code] = replace(one, score=one.score * LESS_SPECIFIC)
    return list(by_code.values())


def _told(code: Code, when: Period, descriptions: Descriptions) -> Code | None:
    """The code in that period of one that leaves the trimester open; of those that know no childbirth, in the third."""
    words = (IN_WORDS.get(when, ""), IN_WORDS["third"] if when == "childbirth" else "")
    found = (descriptions.beside(code, "unspecified trimester", said) for said in words)
    return next((one for one in found if one is not None), None)


def with_one_duration(scored: list[Candidate]) -> list[Candidate]:
    """Of the weeks that a note of a pregnancy tells, the last are those of today."""
    told = [c for c in scored if c.score >= ACCEPTED and c.code.value.startswith("Z3A")]
    last = max((c.code for c in told), default=None)
    return [replace(c, score=c.score * LESS_SPECIFIC) if c in told and c.code != last else c for c in scored]


def with_newborn(scored: list[Candidate], descriptions: Descriptions, note: str) -> list[Candidate]:
    """With the codes of chapter 16 in the place of the others, where the note is of a newborn."""
    accepted = [c for c in scored if c.score >= ACCEPTED and of_a_newborn(c.code)]
    if not accepted or not is_newborn(note):
        return scored
    by_code = {c.code: c for c in scored}
    for one in accepted:
        code = of_a_newborn(one.code)
        if code is None or not descriptions.known(code):
            continue
        descriptions.give(by_code, one, code)
        by_code[one.code] = replace(one, score=one.score * LESS_SPECIFIC)
    return list(by_code.values())
