"""Age and sex of the patient, where the note states them in so many words and never says otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Sex = Literal["female", "male"]

_SEX_OF: dict[str, Sex] = {
    **dict.fromkeys(("woman", "female", "girl", "lady", "f"), "female"),
    **dict.fromkeys(("man", "male", "boy", "gentleman", "m"), "male"),
}
_NOUN = "woman|female|girl|lady|man|male|boy|gentleman"
_YEARS_OF = {"year": 1.0, "yr": 1.0, "month": 1 / 12, "week": 1 / 52, "day": 1 / 365}
_AGED = re.compile(
    r"\b(?P<number>\d{1,3})[ -]?(?:(?P<unit>year|yr|month|week|day)s?[ -]?old|(?P<short>y[./]?o\.?))\b"
    rf"(?:[ ,]+(?:[a-z-]+ ){{0,3}}?(?P<sex>{_NOUN}|f|m)\b)?",
    re.IGNORECASE,
)
_FIELD = re.compile(r"^[ \t]*(?:sex|gender)[ \t]*:[ \t]*(?P<sex>female|male|f|m)\b", re.IGNORECASE | re.MULTILINE)
# The patient is introduced at the beginning; further down, ages are those of relatives.
_BEGINNING = 600
_RELATIVE = re.compile(
    r"\b(?:mother|father|sister|brother|son|daughter|husband|wife|aunt|uncle|cousin|twin|donor)\b[^.\n]{0,30}$", re.I
)


@dataclass(frozen=True, slots=True)
class Patient:
    """age: in years. None: not known; then no rule that asks for it is used."""

    age: float | None = None
    sex: Sex | None = None


def stated(text: str) -> Patient:
    """What the beginning of a note says of the patient; what it says in two ways counts as not said."""
    ages: set[float] = set()
    sexes: set[Sex] = {_SEX_OF[match["sex"].lower()] for match in _FIELD.finditer(text)}
    for match in _AGED.finditer(text[:_BEGINNING]):
        if _RELATIVE.search(text[: match.start()]):
            continue
        ages.add(int(match["number"]) * _YEARS_OF[(match["unit"] or "year").lower()])
        if match["sex"]:
            sexes.add(_SEX_OF[match["sex"].lower()])
    return Patient(ages.pop() if len(ages) == 1 else None, sexes.pop() if len(sexes) == 1 else None)
