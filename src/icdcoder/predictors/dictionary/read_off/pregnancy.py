"""Whether a note is of a pregnancy, a delivery or the weeks after it, and how the delivery ended."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from icdcoder.core.code import Code
from icdcoder.knowledge.chapter15 import Period
from icdcoder.text.led_pattern import holds_one

_DELIVERED = re.compile(
    r"\b(?:(?:admitted|presented|arrived|came)(?: \w+){0,3} in (?:active |early |spontaneous |preterm )*labor|"
    r"(?:vaginal|(?:ca?esarean|c-section)(?: section)?|assisted|vacuum|forceps) deliver(?:y|ed)|gave birth|"
    r"(?:repeat|primary|emergency|emergent|elective|classical) (?:\w+ ){0,3}?(?:ca?esarean|c[-/]s(?:ection)?|LTCS)\b"
    r"(?=[^.;\n]{0,60}\b(?:viable|live|infant|baby|apgars?)\b)|"
    r"(?:viable|live(?:born)?) (?:\w+ ){0,2}(?:infant|baby|newborn|male|female)\b|"
    r"(?:was|were) delivered|delivered (?:an?|via|by|vaginally)|delivery of (?:an?|the|her)|"
    r"underwent (?:an? )?(?:\w+ ){0,4}(?:ca?esarean|c-section)|(?:NSVD|SVD|LTCS|VBAC)|induction of labor)\b",
    re.IGNORECASE,
)
# Each match of it holds one of these, in small letters.
_DELIVERED_CUES = (
    *(f"{kind} labor" for kind in ("in", "active", "early", "spontaneous", "preterm", "of")),
    *"deliver|gave birth|esarean|c-s|c/s|ltcs|svd|vbac|viable|live |liveborn".split("|"),
)
_FORMER = re.compile(
    r"\b(?:prior|previous|history of|hx of|h/o|s/p|status post|past|last|first|in (?:19|20)\d\d|plan\w*|schedul\w*|for|"
    r"after|post|since|born)\b[^.,;\n]{0,25}$",
    re.IGNORECASE,
)
_AFTER = re.compile(r"\b(?:post-?partum|puerperal|puerperium|PPD ?#? ?\d)", re.IGNORECASE)
# Of the child, whose note names its mother's pregnancy.
_OF_THE_CHILD = re.compile(
    r"\b(?:born (?:to|via|by|at)|psychomotor|perinatal|day of life|DOL|NICU|neonat(?:e|al)|"
    r"to an? \d+[ -]?(?:year|y\.?o)|(?:mother|mom)(?:'s)? (?:is|was|with|had|received|of)|"
    r"(?:this|the) (?:infant|newborn) (?:is|was|has|had))\b",
    re.IGNORECASE,
)
_CHILD = r"(?:infant|baby|newborn|neonate|male|female|boy|girl)s?"
_ALIVE = re.compile(
    rf"\b(?:live[- ]?born|live|alive|viable|healthy|vigorous)\b(?:[ ,]+[\w-]+){{0,3}}? {_CHILD}\b|\blive ?births?\b",
    re.I,
)
_TWINS = re.compile(r"\btwins?\b|\btriplets?\b", re.IGNORECASE)
# A pregnancy of today, where its weeks are not told.
_PREGNANT = re.compile(
    r"\bpregnant (?:woman|female|patient|lady|girl|mother)|\b(?:who is|is|currently|now|known to be) pregnant\b|"
    r"\b(?:first|second|third|1st|2nd|3rd) trimester\b|\bG\d+ ?P\d+[^.;\n]{0,40}\bpregnan",
    re.IGNORECASE,
)
# A pregnancy that is over or another's, one wished for or warned of: what stands before the word for it, and behind.
_NOT_BEFORE = re.compile(
    r"\b(?:normal|(?:well[- ])?controlled|monitored|uneventful|uncomplicated|unremarkable|prior|previous|past|former|"
    r"first|second|third|last|earlier|two|three|four|five|six|seven|eight|nine|ten|"
    r"multiple|several|many|\d|molar|full[- ]?term|against|avoid\w*|prevent\w*|"
    r"plan\w*|desir\w*|wish\w*|wants?|future|after|since|before|during|throughout|mother'?s?|trimester of|in)\W+"
    r"(?:(?:her|his|the|a|an|any|all|both) )?$",
    re.IGNORECASE,
)
_NOT_BEHIND = re.compile(
    r"\W*(?:(?:was|were|had|went|passed|proceeded|(?:has|have) been)\b|"
    r"(?:tests?|loss|losses|prevention|history|wish)\b|"
    r"(?:and|,|or) (?:the )?(?:delivery|childbirth|birth|labou?r|lactation|breast)|"
    r"(?:women|woman)\b(?! (?:of|with|aged|who|at)))|ies\b",
    re.IGNORECASE,
)
_THIS_ONE = re.compile(r"\b(?:current|currently|now|ongoing|this)\b[^.;\n]*$", re.IGNORECASE)
_SO_MANY_WEEKS = re.compile(
    r"\W+(?:(?:of|at|with|about|approximately)\W+)*\d+[^.;\n]{0,12}\b(?:weeks?|wks?|months?)\b", re.I
)
_WEEKS = re.compile(r"Z3A\.(\d\d)")


def period(text: str, codes: Collection[Code]) -> Period | None:
    """codes: that are accepted for the text. None where it is of nothing of the kind, or of the child."""
    values = [code.value for code in codes if code.system == "icd10cm"]
    if not any(value.startswith(("O", "Z3A", "Z33.1", "Z34", "Z37", "Z39")) for value in values):
        return None
    if _OF_THE_CHILD.search(text):
        return None
    if next(_deliveries(text), None):
        return "childbirth"
    weeks = [int(match[1]) for value in values if (match := _WEEKS.fullmatch(value))]
    if weeks:
        most = max(weeks)
        return "first" if most < 14 else "second" if most < 28 else "third"
    if _AFTER.search(text):
        return "puerperium"
    return "pregnancy" if _PREGNANT.search(text) else None


def is_state(text: str, start: int, end: int) -> bool:
    """Whether a word for pregnancy at [start, end) says that the patient is pregnant: in "normal pregnancy, born at
    term" it is the mother's, in "after two pregnancies" one that is over."""
    if _SO_MANY_WEEKS.match(text, end) or _THIS_ONE.search(text, max(0, start - 30), start):
        return True
    if _NOT_BEFORE.search(text, max(0, start - 40), start) or _NOT_BEHIND.match(text, end):
        return False
    return _OF_THE_CHILD.search(text) is None


def outcomes(text: str) -> Iterator[tuple[int, int, Code]]:
    """A live child, where the text tells of the delivery; what other outcomes are called is in the dictionary."""
    if not next(_deliveries(text), None) or _TWINS.search(text) or _OF_THE_CHILD.search(text):
        return
    for match in _ALIVE.finditer(text):
        yield match.start(), match.end(), Code("icd10cm", "Z37.0")


def _deliveries(text: str) -> Iterator[re.Match[str]]:
    if not holds_one(text, _DELIVERED_CUES):
        return iter(())
    return (m for m in _DELIVERED.finditer(text) if not _FORMER.search(text[max(0, m.start() - 40) : m.start()]))


IN_WORDS: dict[Period, str] = {
    "first": "first trimester",
    "second": "second trimester",
    "third": "third trimester",
    "childbirth": "childbirth",
    "puerperium": "puerperium",
}
"""How the descriptions of codes say it."""
