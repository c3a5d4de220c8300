"""What the words that assert a mention say of it: that it is over, that it is a stranger's, that it was looked for."""

from __future__ import annotations

import re

from icdcoder.predictors.dictionary.cured import is_cured
from icdcoder.text.assertion import Assertion

_HISTORY_OF = re.compile(
    r"(?:personal |past |prior |previous |remote |medical )*(?:history|hx|h/o|prior|previous|remote|old|healed)", re.I
)
# Dates that put a thing far back.
_LONG_AGO = re.compile(
    r"(?:back )?(?:in|around|circa) \d{4}|in the (?:remote |distant )?past\b|"
    r".*\b(?:years?|yrs?|decades|long) (?:ago|earlier|before|previously)|"
    r"(?:as a|in) (?:child|teen)|in (?:her|his) (?:teen|twen|thir|for|fif|six)|which (?:re|resol)|that resolved|"
    r"(?:completely|fully) re|re(?:solved|covered) (?:fully|completely)",
    re.I,
)
_HABITS = ("icd10cm:F", "icd10cm:Z72")
_STRANGER = re.compile(
    r".*?\b(?:wife|husband|spouse|partner|girlfriend|boyfriend|roommate|friend|step|donor)", re.IGNORECASE
)
_ASKED = re.compile(r"(?:rul|r/o|to exclude|exclude|evaluat|assess|test|check|query|diff|ddx)", re.IGNORECASE)
_GOES_ON = re.compile(
    r"[^.;\n]{0,80}?\b(?:metasta|recurren|relaps|progress|receiving|under(?:going)? (?:treat|chemo|radio)|currently|"
    r"on (?:chemo|hormon|treatment)|hormon|exacerbat|"
    r"(?<!completed )(?<!finished )(?<!stopped )(?:LHRH|GnRH|androgen|tamoxifen|letrozole|anastrozole)|"
    r"ongoing|active|stage)",
    re.IGNORECASE,
)

# A year just behind an event ("CVA (2012)", "MI 3/2015", "stroke in Jan 2018"), and dates of the visit itself.
_YEAR = re.compile(
    r" {0,2}(?:\(|, ?|- ?)?(?:dx'?d? |in |circa |since )?(?:[A-Z][a-z]{2,8}\.?,? |\d{1,2}[/-](?:\d{1,2}[/-])?)?"
    r"(?P<year>(?:19|20)\d\d)(?![\w/-]|\.\d)"
)
_COMES_AFTER = re.compile(
    r"\b(?:follow(?:ing|s|ed)?[- ]?up(?: visit| appointment)?|seen|visit|check(?:ed|-?up)?|recover(?:y|ing|ed)|"
    r"recuperating|rehab(?:ilitation)?|(?:POD|post-?op(?:erative)? day) ?#?\d+|"
    r"(?:days?|weeks?|wks?|months?|mos?|years?|yrs?))"
    r" (?:after|following|from|since|out from|status post|post|s/p)"
    r"(?: an?| the| his| her| elective| recent| uncomplicated| total| right| left| bilateral| open| laparoscopic)* ?$",
    re.IGNORECASE,
)
_COMES_AFTER_REACH = 80
_VISIT = re.compile(
    r"\b(?:admi\w+|discharged?|service|visit|encounter|exam\w*|date|seen|dated?)\b[^\n]{0,30}?\b(?P<year>(?:19|20)\d\d)\b",
    re.I,
)
_HEAD = 3000
# Acute conditions, which are over where a note lists them under what a patient had before.
_ACUTE = tuple(
    f"icd10cm:{value}"
    for value in (
        "B95 B96 G45 I21 I22 I26 I46 I60 I61 I63 I82.4 J12 J13 J14 J15 J18 K35 K56.6 K85 K92.2 N10 N17 N39.0 S U07.1"
    ).split()
)
_HAD_BEFORE = re.compile(
    r"PMHx?\b|(?:[\w-]+ ){0,2}(?:past|prior|previous) (?:medical|med|history|hx|illness)", re.IGNORECASE
)
_STILL = re.compile(
    r"[^.;\n]{0,40}?\b(?:acute|current\w*|now|today|this admission|active|residual|ongoing|recent)\b", re.IGNORECASE
)


def was_before(text: str, start: int, end: int, code: str, heading: str) -> bool:
    """Whether an acute condition stands under what the patient had before, which says nothing else of it."""
    if not code.startswith(_ACUTE) or not _HAD_BEFORE.match(heading):
        return False
    return not _STILL.match(text, end) and "acute" not in text[max(0, start - 12) : end].lower()


def was_years_ago(text: str, end: int, code: str) -> bool:
    """Whether what ends there is an event of a former year, as the year behind it says, which leaves a history."""
    found = _YEAR.match(text, end)
    if found is None or code.startswith(("icd10cm:C", *_HABITS)) or _GOES_ON.match(text, found.end()):
        return False
    return all(found["year"] != visit["year"] for visit in _VISIT.finditer(text, 0, _HEAD))


def is_over(text: str, asserted: Assertion, end: int, code: str) -> bool:
    """Whether what stands before `end`, which is said to be past, is over. A date does not say so of a cancer, which
    may have been found then (cured.py knows more), nor of a habit, which may have begun."""
    start, stop = asserted.trigger or (0, 0)
    if _HISTORY_OF.match(text, start, stop):
        return not _GOES_ON.match(text, end)
    cancer = code.startswith("icd10cm:C")
    return (
        not cancer
        and not code.startswith(_HABITS)
        and bool(_LONG_AGO.match(text, start, stop))
        and not (_GOES_ON.match(text, end))
    )


def was_done(text: str, start: int, end: int, heading: str) -> bool:
    """Whether an operation that stands there is one of the past: by what comes after it ("follow-up after hip
    replacement", "POD 3 from CABG"), by the year behind it, or listed under what a patient had before."""
    if _COMES_AFTER.search(text, max(0, start - _COMES_AFTER_REACH), start):
        return True
    found = _YEAR.match(text, end)
    if found and all(found["year"] != visit["year"] for visit in _VISIT.finditer(text, 0, _HEAD)):
        return True
    return _HAD_BEFORE.match(heading) is not None


def is_past(text: str, asserted: Assertion, start: int, end: int, code: str, heading: str) -> bool:
    """Whether what stands at [start, end) is over, by the words that assert it, its year or the heading above it."""
    if asserted.status == "historical" and is_over(text, asserted, end, code):
        return True
    if asserted.status not in ("affirmed", "historical"):
        return False
    return (
        was_years_ago(text, end, code)
        or was_before(text, start, end, code, heading)
        or is_cured(text, start, end, code)
    )


def is_strangers(text: str, asserted: Assertion) -> bool:
    """Whether it is of one who is no blood relation."""
    return asserted.status == "family" and _said_by(_STRANGER, text, asserted)


def is_asked(text: str, asserted: Assertion) -> bool:
    """Whether the note only says that it was looked for."""
    return asserted.status == "uncertain" and _said_by(_ASKED, text, asserted)


def goes_on(text: str, end: int) -> bool:
    """Whether what ends there, which is said to be past, goes on."""
    return _GOES_ON.match(text, end) is not None


def _said_by(pattern: re.Pattern[str], text: str, asserted: Assertion) -> bool:
    """Whether the words that assert are such."""
    start, stop = asserted.trigger or (0, 0)
    return pattern.match(text, start, stop) is not None
