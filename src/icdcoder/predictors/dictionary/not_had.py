"""What stands in a note like a mention of a condition, and is none that the patient has: a drug that was stopped, an
infection that was looked for, an abbreviation of the ward, what an allergy showed itself by."""

from __future__ import annotations

import re

from icdcoder.predictors.dictionary.read_off.pregnancy import is_state

# Abbreviations of the wards that look like a condition's: what stands before or behind them where they are those. A
# hospital day, a patient's number, an ambulance, a radiologist, "tender to palpation"; and the fall of a year.
_WARD_WORDS = {
    "HD": re.compile(r"\s*#?\s*\d"),
    "PID": re.compile(r"\s*[#:]?\s*\d{3}"),
    "ALS": re.compile(r"\s+(?:transport|crew|unit|ambulance|team|intercept|protocol|provider)", re.IGNORECASE),
    "RAD": re.compile(r"\s+(?:report|read|onc|tech|result|film|imag)", re.IGNORECASE),
    "MI": re.compile(r"\s+\d{5}"),
    "SBP": re.compile(
        r"\s*:?\s*(?:[\d<>~=]|prophylaxis|ppx|goal|in the|was|of|under|above|below|less|greater|drop)", re.I
    ),
    "HRS": re.compile(r"\s*(?:\d|prior|after|before|ago|post|later|PRN|as needed)", re.IGNORECASE),
    "fall": re.compile(r" of (?:19|20)\d\d"),
    "TTP": re.compile(r"\s+(?:over|at|in|along|on|of|diffuse|throughout)\b", re.IGNORECASE),
}
_TENDER = re.compile(
    r"\b(?:non-?|mild|mildly|minimal|moderate|no|not|is|are|diffusely|abd|abdomen|knee|shoulder|back|spine|hip|ankle|wrist|"
    r"neck|foot|hand|elbow|chest|wall|calf|joint|line|[rl][ul]q|epigastric)[ :]*$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d\s*$")
_DONOR = "icd10cm:Z52"
_RECEIVED = re.compile(r"receiv|\bfrom an?\b|donor (?:\w+ )?transplant", re.IGNORECASE)
_PREGNANT = ("icd10cm:Z33.1", "icd9cm:V22.2")
# Samples are enumerated: no blood in the urine.
_SAMPLES = re.compile(r"(?:blood|urine|stools?)(?: and |, |/| or )(?:blood|urine|stools?)", re.IGNORECASE)
# The number of a device ("CF-H180AL"), and no abbreviation of a condition.
_MODEL = re.compile(r"-[A-Z]+\d{2}")
# What an allergy showed itself by: "allergic to sulfa (hives)".
_REACTION = re.compile(r"\ballerg(?:y|ies|ic)\b(?: to)?[^.;()\n]{0,50}\([^.;()\n]{0,30}$", re.IGNORECASE)
_REACTION_REACH = 80
# "Aspirin stopped": no long-term use of it.
_LONG_TERM = ("icd10cm:Z79", "icd10cm:Z99.81")
# "Not on chronic steroids", "she is not on any home oxygen", "has never been on insulin", "off anticoagulation".
_NOT_ON = re.compile(
    r"\b(?:(?:not|never|isn't|wasn't)(?: currently| presently| yet| now| been| placed| started| a candidate)*"
    r" (?:on|for|using)|off(?: of)?|without(?: any)?|no longer on)"
    r"(?: any| his| her| chronic| long[- ]term| daily| home| systemic| oral| full[- ]dose| therapeutic| supplemental)*"
    r" ?$",
    re.IGNORECASE,
)
_STOPPED = re.compile(
    r",? ?(?:\d+ ?mg |daily |OD |BD )*(?:(?:was|were|is|has been|have been|now|be) )*"
    r"(?:stopped|discontinued|ceased|finished|completed|ended|d/c'?d|withheld|withdrawn|weaned off)\b|"
    r",? (?:but|and|until) (?:s?he|they|the patient) (?:has |had |have )?(?:stopped|discontinued)\b",
    re.IGNORECASE,
)
_NOT_ON_REACH = 60
# "Her rheumatoid arthritis on her hands" is none of wear.
_WORN_JOINTS = tuple(f"icd10cm:M{number}" for number in range(15, 20))
_INFLAMED = re.compile(
    r"\b(?:rheumatoid|psoriatic|gouty|septic|reactive|juvenile|infectious|inflammatory|pyogenic|viral|crystal)[ -]$",
    re.IGNORECASE,
)
# "We will send a pertussis PCR", "influenza swab pending": looked for, unless the words there say that it was found.
_INFECTIONS = ("icd10cm:A", "icd10cm:B", "icd10cm:J09", "icd10cm:J10", "icd10cm:J11", "icd10cm:U07")
_TEST = re.compile(
    r" (?:\w+ )?(?:PCR|titers?|serolog(?:y|ies)|antibod(?:y|ies)|cultures?|swabs?|screen(?:s|ing)?|test(?:s|ing)?|"
    r"panel|antigens?|toxins?|smears?|injection|series|booster)\b(?![^.;\n]{0,40}\b(?:positiv|reactive|detected|grew|"
    r"confirm|elevated|high\b))(?! ?\+)",
    re.IGNORECASE,
)
_POSITIVE = re.compile(r"\b(?:positive|reactive|detected)\b(?:(?!negative)[^.;\n]){0,45}$", re.IGNORECASE)


def is_not_had(text: str, start: int, end: int, code: str) -> bool:
    """Whether it is a drug that was stopped, an infection looked for, a joint that is inflamed and not worn, an organ
    that was received, or a pregnancy that is over or another's."""
    if code.startswith(_LONG_TERM):
        before = text[max(0, start - _NOT_ON_REACH) : start]
        return _STOPPED.match(text, end) is not None or _NOT_ON.search(before) is not None
    if code.startswith(_INFECTIONS):
        return _is_tested(text, start, end)
    if code.startswith(_WORN_JOINTS):
        return _INFLAMED.search(text, max(0, start - 15), start) is not None
    if code.startswith(_DONOR):
        return _RECEIVED.search(text, max(0, start - 25), end + 15) is not None
    return code in _PREGNANT and not is_state(text, start, end)


def _is_tested(text: str, start: int, end: int) -> bool:
    """Whether what stands there is what a test looks for, or a vaccine is given against."""
    return _TEST.match(text, end) is not None and not _POSITIVE.search(text[max(0, start - 60) : start])


def is_no_condition(text: str, start: int, end: int) -> bool:
    """Whether the words there name no condition of anybody."""
    if _SAMPLES.fullmatch(text, start, end):
        return True
    if _REACTION.search(text, max(0, start - _REACTION_REACH), start):
        return True
    word = text[start:end]
    if word.isupper() and _MODEL.match(text, end):
        return True
    if word.lower() in ("met", "mets"):  # metastases, unless they are metabolic equivalents
        return word.lower() == "met" or _NUMBER.search(text, max(0, start - 8), start) is not None
    follows = _WARD_WORDS.get(word)
    if follows is None:
        return False
    if follows.match(text, end) or (word == "HRS" and _NUMBER.search(text, max(0, start - 8), start)):
        return True
    return bool(word == "TTP" and _TENDER.search(text, max(0, start - 20), start))
