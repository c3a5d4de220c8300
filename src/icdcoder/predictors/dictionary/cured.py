"""Cancers that a note says are gone, because there is no evidence left of them or an operation or radiation of the past
removed them, while nothing says that they are still treated (guidelines I.C.2.m); and what else operations of the past
took away. They leave a history."""

from __future__ import annotations

import re

from icdcoder.predictors.dictionary.statement import around

_CANCER = "icd10cm:C"
# What else an operation takes away: growths, stones of the gallbladder, hernias, an appendix, a pregnancy in a tube.
TAKEN_AWAY = tuple(
    f"icd10cm:{value}"
    for value in (
        *(f"D{number}" for number in range(10, 37)),
        *"E04 H25 H26 I96 J35 K35 K36 K37 K40 K41 K42 K43 K80 K81 M86 N80 N83 O00".split(),
    )
)
# Cancers that lie elsewhere than where they began, and those of the blood, whose codes say that they are in remission.
_NOT_CURED = ("icd10cm:C77", "icd10cm:C78", "icd10cm:C79", "icd10cm:C7B", "icd10cm:C80")
_OF_THE_BLOOD = tuple(f"icd10cm:C{number}" for number in (88, *range(90, 96)))
_AROUND = 120
_STILL = re.compile(
    r"\bmetasta|\brecurr(?!ence[- ]free)|\brelaps|\bprogress|\bresidual|\bactive\b|\bcurrent|\bongoing|"
    r"\bnow\b(?! (?:disease|cancer|NED|cured|free|in |recurrence|without|with no))|"
    r"\btoday\b|\byesterday|\bPOD\b|\bpost-?op\w* day|\bthis admission|\badjuvant|\bcycles?\b|\bon chemo|\breceiving|"
    r"\bundergoing|\bplan|\bawait|\bschedul|\bstage (?:IV|4)|\bnew(?:ly)?\b|\brecent|\bsuspic|\bpositive margins?|"
    r"\bspread|\binva|\b(?:for|with) (?:curative )?(?:re)?(?:section|surgery)\b",
    re.IGNORECASE,
)
_NO_TRACE = re.compile(
    r"\b(?:no evidence of (?:active |residual |recurrent )?(?:disease|recurrence|malignancy|cancer)(?! progress)|NED\b|"
    r"(?:disease|cancer|recurrence|tumou?r)[- ]free|(?:no|without)(?: (?:signs?|evidence) of)?(?: \w+)? recurrence|"
    r"PSA (?:remains )?undetectable|"
    r"in (?:complete |full |clinical |long-?term |sustained |durable )*remission|(?:considered |deemed )?cured)\b",
    re.IGNORECASE,
)
_NO_RECURRENCE = re.compile(
    r"(?:no|without)(?: (?:signs?|evidence|sign) of)?(?: \w+)? recurr\w+|no evidence of (?:\w+ )?recurr\w+|"
    r"no evidence of (?:active|residual)",
    re.IGNORECASE,
)
_CURED_OF = re.compile(
    r"\b(?:cured of|survivor of|in remission from|treated (?:successfully )?for)\W+(?:\w+\W+){0,3}$", re.I
)
_TREATED_FOR = re.compile(r"\btreated", re.IGNORECASE)
_LONG_AGO = re.compile(
    r"\b(?:\d+|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|many|several|some)\+? (?:years?|yrs?|"
    r"decades) (?:ago|earlier|before|prior|previously)\b|\bas a (?:child|teen|young|boy|girl)|"
    r"\bin (?:childhood|adolescence)|\b(?:in|since|from)? ?\(?(?:19[5-9]\d|20[01]\d)\b",
    re.IGNORECASE,
)
_REMOVAL = (
    r"(?:(?:hemi)?\w*ectom(?:y|ies)|resection|excision|removal|APR|LAR|Whipple(?: procedure)?|brachytherapy|XRT|RT|"
    r"TAH(?:[-/ ]BSO)?|TLH|LAVH|TVH|radiation(?: therapy)?|radiotherapy|chemo-?radi\w+|surgery)"
)
_REMOVED_FOR = re.compile(
    rf"\b(?P<cue>s/p|status[- ]post|prior|previous(?:ly)?|past|h/o|hx of|history of|had|after|following|underwent)\b"
    rf"[^.;\n]{{0,60}}?\b{_REMOVAL}\b(?:,? (?:and|with|then|followed by|\+) [^.;\n]{{0,40}}?)?"
    rf"(?: (?:in )?\(?(?:19|20)\d\d\)?)? (?:for|due to|because of|secondary to) (?:\w+[ -]){{0,4}}$",
    re.IGNORECASE,
)
# "TAH 2003 (fibroids)".
_REMOVED_THEN = re.compile(
    rf"\b{_REMOVAL} (?:in )?(?:19|20)\d\d \((?:for )?(?:\w+[ -]){{0,2}}$|"
    r"\b(?:amputated|removed|resected|excised),? (?:in )?(?:19|20)\d\d,? (?:for|because of|due to) (?:\w+[ -]){0,3}$",
    re.IGNORECASE,
)
# Said of what an operation of today may follow too; a year tells them apart.
_OPEN = re.compile(r"had|after|following|underwent", re.IGNORECASE)
_THEN_REMOVED = re.compile(
    rf"[, ]{{1,2}}\(?(?:(?:in |dx'?d? |diagnosed (?:in )?)?\(?(?:19|20)\d\d\)?,? |[pc]?T\d\S* )*"
    rf"(?:(?:and |then )?(?:s/p|status[- ]post|treated (?:with|by)|removed by)\b[^.;\n]{{0,40}}?\b{_REMOVAL}\b|"
    rf"(?:resected|excised)\b)|,? ?(?:in )?\(?(?:19|20)\d\d\)?[,:;] (?:(?:radical|total|partial|simple|left|right) )*"
    rf"{_REMOVAL}\b",
    re.IGNORECASE,
)


def is_cured(text: str, start: int, end: int, code: str) -> bool:
    """Whether what stands at [start, end) is a cancer that the statement around it says is gone, or what a former
    operation was for."""
    if not code.startswith((_CANCER, *TAKEN_AWAY)) or code.startswith(_NOT_CURED):
        return False
    before, behind = around(text, start, end, _AROUND)
    if _STILL.search(_NO_RECURRENCE.sub(" ", before + " | " + behind)):
        return False
    long_ago = _LONG_AGO.search(before + " | " + behind) is not None
    if _REMOVED_THEN.search(before):
        return True
    removed = _REMOVED_FOR.search(before)
    if removed is not None:
        return long_ago or not _OPEN.fullmatch(removed["cue"])
    if code.startswith((*_OF_THE_BLOOD, *TAKEN_AWAY)):
        return False
    if _NO_TRACE.search(behind):
        return True
    cured = _CURED_OF.search(before)
    if cured is not None and (long_ago or not _TREATED_FOR.search(cured[0])):
        return True
    if _THEN_REMOVED.match(behind):
        return True
    return long_ago and re.search(r"\bhad (?:an? )?(?:\w+ ){0,2}$", before) is not None
