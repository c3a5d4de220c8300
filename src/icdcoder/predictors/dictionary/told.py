"""What the words that assert a mention say of it: that it is over, that it is a stranger's, that it was looked for."""

from __future__ import annotations

import re

from icdcoder.text.assertion import Assertion

_HISTORY_OF = re.compile(
    r"(?:personal |past |prior |previous |remote |medical )*(?:history|hx|h/o|prior|previous|remote)", re.I
)
# Dates that put a thing far back; that there is nothing left of a cancer.
_LONG_AGO = re.compile(
    r"(?:back )?(?:in|around|circa) \d{4}|.*\b(?:years?|yrs?|decades|long) ago|(?:as a|in) (?:child|teen)", re.I
)
_NO_TRACE = re.compile(r"disease|recurrence|free|ned", re.I)
_HABITS = ("icd10cm:F", "icd10cm:Z72")
_STRANGER = re.compile(r".*?\b(?:wife|husband|spouse|partner|girlfriend|boyfriend|roommate|friend|step)", re.IGNORECASE)
_ASKED = re.compile(r"(?:rul|r/o|to exclude|exclude|evaluat|assess|test|check|query|diff|ddx)", re.IGNORECASE)
_GOES_ON = re.compile(
    r"[^.;\n]{0,80}?\b(?:metasta|recurren|relaps|progress|receiving|under(?:going)? (?:treat|chemo|radio)|currently|"
    r"on (?:chemo|hormon|treatment)|hormon|exacerbat|ongoing|active|stage)",
    re.IGNORECASE,
)


def is_over(text: str, asserted: Assertion, end: int, code: str) -> bool:
    """Whether what stands before `end`, which is said to be past, is over. A date does not say so of a cancer, which
    may have been found then, nor of a habit, which may have begun; that there is no trace of it says so of a cancer."""
    start, stop = asserted.trigger or (0, 0)
    if _HISTORY_OF.match(text, start, stop):
        return not _GOES_ON.match(text, end)
    cancer = code.startswith("icd10cm:C")
    if _NO_TRACE.search(text, start, stop):
        return cancer and not _GOES_ON.match(text, end, max(start, end))
    return (
        not cancer
        and not code.startswith(_HABITS)
        and bool(_LONG_AGO.match(text, start, stop))
        and not (_GOES_ON.match(text, end))
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
