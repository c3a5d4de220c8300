"""The note of a newborn: weeks of gestation and weight at birth, how it was born."""

from __future__ import annotations

import re
from collections.abc import Iterator

from icdcoder.core.code import Code

# Who the patient is stands at the beginning.
_BEGINNING = 1000
_CHILDREN = "infant|baby|newborn|neonate|male|female|boy|girl|twin|triplet"
_NEWBORN = re.compile(
    rf"\b(?:NICU|newborn|neonat\w+|day of life|DOL ?#?:?\d|birth ?weight|"
    rf"(?:preterm|premature|term|ex-?\d\d\b)[^.\n]{{0,30}}\b(?:{_CHILDREN}))\b",
    re.IGNORECASE,
)
_BIRTH = re.compile(r"\b(?:born|delivered|delivery|birth|birth ?weight|BW|DOL|day of life|days? old)\b", re.IGNORECASE)
_AGE = re.compile(r"\b\d+[- ]?(?:months?|mos?|m/o|years?|yrs?|yo|y/o)\b|\baged \d", re.IGNORECASE)
_OLDER = re.compile(r"\b(?:months?|years?|yrs?|y/?o)[- ]old\b", re.IGNORECASE)
# The age of the mother.
_HERS = re.compile(
    rf"(?:\b(?:born|delivered|{_CHILDREN}|son|daughter)\b[^.\n]{{0,50}}\b(?:to|by|of) (?:an? |this )?(?:\d+[- ])?|"
    r"\bmother[^.\n]{0,30}|\bmom[^.\n]{0,20}|\bmaternal[^.\n]{0,30})$",
    re.IGNORECASE,
)
_WEEKS = re.compile(
    r"\b(?P<weeks>[23]\d)(?:[ -]?(?:and )?\d/7|[+]\d|-\d/7)?[ -]?(?:weeks?|weekers?|wks?)\b"
    r"(?! (?:corrected|postmenstrual|PMA))",
    re.IGNORECASE,
)
_WEIGHT = re.compile(
    r"\b(?:birth ?weight|BW|weigh(?:ed|ing)|weight at birth)\b\W{0,3}(?:(?:was|of|is|at) )?(?:approximately )?"
    r"(?P<number>\d{3,4}|\d[.,]\d{1,3}) ?(?P<unit>grams?|gms?|g|kg|kilograms?)?\b",
    re.IGNORECASE,
)
_BORN_BY = re.compile(
    r"\b(?:born|delivered|delivery|birth)\b[^.\n]{0,60}?\b(?:(?P<section>ca?esare?an|c-?section|c/s|LTCS)|"
    r"(?P<vaginal>vaginal\w*|NSVD|SVD|spontaneous delivery))|"
    r"\b(?:(?P<section2>ca?esare?an|c-section)|(?P<vaginal2>vaginal)) (?:section )?deliver",
    re.IGNORECASE,
)
_TWIN, _TRIPLET = re.compile(r"\btwins?\b", re.IGNORECASE), re.compile(r"\btriplets?\b", re.IGNORECASE)
_CAME = re.compile(r"\b(?:transferred from|outside hospital|OSH)\b", re.IGNORECASE)
_SEPSIS = re.compile(
    r"\b(?:rule[- ]?out|r/o|suspected|evaluat\w+ for|risk (?:for|of)) sepsis|\bsepsis (?:evaluation|risk|suspect)",
    re.IGNORECASE,
)
_DISTRESS = re.compile(
    r"\b(?:respiratory distress syndrome|RDS|hyaline membrane disease|surfactant deficiency)\b|"
    r"(?P<wet>\btransient tachypnea|\bTTN\b)",
    re.IGNORECASE,
)


def is_newborn(text: str) -> bool:
    """Whether the patient of the text is in the first weeks of life."""
    if not (_NEWBORN.search(text, 0, _BEGINNING) and _BIRTH.search(text)):
        return False
    ages = (*_AGE.finditer(text, 0, _BEGINNING), *_OLDER.finditer(text, _BEGINNING))
    return all(_HERS.search(text[max(0, age.start() - 80) : age.start()]) for age in ages)


def born(text: str) -> Iterator[tuple[int, int, Code]]:
    """Weeks, weight and kind of birth; for texts of newborns."""
    weeks = _WEEKS.search(text)
    if weeks and (value := _preterm(int(weeks["weeks"]))):
        yield *weeks.span(), Code("icd10cm", value)
    weight = _WEIGHT.search(text)
    if weight and (value := _light(weight)):
        yield *weight.span(), Code("icd10cm", value)
    by = None if _CAME.search(text) else _BORN_BY.search(text)
    if by:
        section = bool(by["section"] or by["section2"])
        stem = "Z38.6" if _TRIPLET.search(text) else "Z38.3" if _TWIN.search(text) else "Z38.0"
        ending = str(1 + section) if stem == "Z38.6" else str(int(section))
        yield *by.span(), Code("icd10cm", stem + ending)
    if sepsis := _SEPSIS.search(text):
        yield *sepsis.span(), Code("icd10cm", "Z05.1")
    for distress in _DISTRESS.finditer(text):
        yield *distress.span(), Code("icd10cm", "P22.1" if distress["wet"] else "P22.0")


def _preterm(weeks: int) -> str | None:
    if weeks > 36:
        return None
    return "P07.21" if weeks < 23 else f"P07.2{weeks - 21}" if weeks < 28 else f"P07.3{weeks - 27}"


def _light(match: re.Match[str]) -> str | None:
    number = float(match["number"].replace(",", "."))
    unit = (match["unit"] or "").lower()
    grams = number * 1000 if number < 10 and (unit.startswith("k") or not unit) else number
    if not 250 <= grams < 2500:
        return None
    if grams < 1000:
        return "P07.01" if grams < 500 else "P07.02" if grams < 750 else "P07.03"
    return "P07.18" if grams >= 2000 else f"P07.1{4 + int((grams - 1000) // 250)}"
