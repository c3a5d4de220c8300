"""Which type of diabetes a note means: wordings that leave it open count as type 2 ("diabetic foot ulcer", "DKA"),
unless the note names type 1 only."""

from __future__ import annotations

import re
from dataclasses import replace

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.candidates.candidate import ACCEPTED, Candidate, Descriptions
from icdcoder.predictors.dictionary.candidates.together import LESS_SPECIFIC

_TYPE_2 = re.compile(r"(?<![\d.])2|\bII\b|NIDDM|non-?insulin|adult[- ]onset|mature", re.IGNORECASE)


def of_one_type(scored: list[Candidate], descriptions: Descriptions, note: str) -> list[Candidate]:
    """With the codes of type 1 in the place of those of type 2 for which the note does not name the type."""
    if not any(c.code.value.startswith("E10") and c.score >= ACCEPTED for c in scored):
        return scored
    told = [c for c in scored if c.code.value.startswith("E11") and c.score >= ACCEPTED and c.code.system == "icd10cm"]
    if not told or any(_TYPE_2.search(note, m.start, m.end) for c in told for m in c.mentions):
        return scored
    by_code = {c.code: c for c in scored}
    for one in told:
        code = Code("icd10cm", "E10" + one.code.value[3:])
        if not descriptions.known(code):
            continue
        descriptions.give(by_code, one, code)
        del by_code[one.code]
    return list(by_code.values())


_OF_A_DISEASE = re.compile(
    r"\b(?:IgA|contrast|membranous|hypertensive|obstructive|reflux|urate|lupus|HIV|BK|sickle|minimal change)\b"
    r"[^.;,\n]{0,25}$",
    re.IGNORECASE,
)
# How the codes that a complication has without diabetes are told, and what ends the code for it with diabetes.
_COMPLICATIONS = (
    (("N28.9", "N05.9"), re.compile("nephropath", re.IGNORECASE), "21"),
    (("G62.9",), re.compile(r"(?<!poly)(?<!peripheral )(?<!sensory )neuropath", re.IGNORECASE), "40"),
)


def with_complications(scored: list[Candidate], descriptions: Descriptions, note: str) -> list[Candidate]:
    """With nephropathy and neuropathy of no kind as those of the diabetes beside them ("with" is presumed, guidelines
    I.A.15); a neuropathy that is called peripheral is a polyneuropathy, and combined elsewhere."""
    accepted = [c for c in scored if c.score >= ACCEPTED and c.code.system == "icd10cm"]
    diabetes = next((c.code.value[:3] for c in accepted if c.code.value.startswith(("E10", "E11"))), None)
    if diabetes is None:
        return scored
    by_code = {c.code: c for c in scored}
    for values, words, ending in _COMPLICATIONS:
        for one in accepted:
            code = Code("icd10cm", f"{diabetes}.{ending}")
            if one.code.value not in values or not _all_told(one, words, note) or not descriptions.known(code):
                continue
            descriptions.give(by_code, one, code)
            del by_code[one.code]
            plain = Code("icd10cm", f"{diabetes}.9")
            if plain in by_code:
                by_code[plain] = replace(by_code[plain], score=by_code[plain].score * LESS_SPECIFIC)
    return list(by_code.values())


def _all_told(one: Candidate, words: re.Pattern[str], note: str) -> bool:
    affirmed = [m for m in one.mentions if m.status == "affirmed"]
    return bool(affirmed) and all(
        words.search(note, max(0, m.start - 12), m.end)
        and not _OF_A_DISEASE.search(note, max(0, m.start - 40), m.start)
        for m in affirmed
    )
