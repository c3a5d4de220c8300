"""Which type of diabetes a note means: wordings that leave it open count as type 2 ("diabetic foot ulcer", "DKA"),
unless the note names type 1 only."""

from __future__ import annotations

import re

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.candidate import ACCEPTED, Candidate, Descriptions

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
