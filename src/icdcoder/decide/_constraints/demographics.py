"""Age and sex edits, as far as the tables themselves say for whom a code is: by its title, block and chapter."""

from __future__ import annotations

import re
from functools import lru_cache

from icdcoder.core.code import Code
from icdcoder.decide._constraints.patient import Patient, Sex
from icdcoder.systems import CodeSystem

_FEMALE = re.compile(r"\bfemale\b|\bwoman\b|\bwomen\b|\bpregnan|\bmaternal\b(?! factors)", re.IGNORECASE)
_MALE = re.compile(r"\bmale\b", re.IGNORECASE)
_FEMALE_HEADING = re.compile(r"female|pregnancy, childbirth", re.IGNORECASE)
_MALE_HEADING = re.compile(r"\bmale\b", re.IGNORECASE)
_NEWBORN = re.compile(r"\b(?:newborn|neonatal)\b", re.IGNORECASE)
_PERINATAL = re.compile(r"perinatal", re.IGNORECASE)
_PREGNANCY = re.compile(r"pregnancy", re.IGNORECASE)
# Ages at which the Medicare Code Editor takes a pregnancy for possible.
_MATERNITY = (9, 64)


@lru_cache(maxsize=20_000)
def sex_of(system: CodeSystem, code: Code) -> Sex | None:
    """For whom the code is; None for both, or where the tables do not say."""
    titles = [system.description(code)]
    if _PERINATAL.search(system.chapter(code).title):
        return None  # "newborn affected by maternal …" is about the child
    female, male = any(map(_FEMALE.search, titles)), any(map(_MALE.search, titles))
    if female != male:
        return "female" if female else "male"
    block = system.block(code)
    headings = [system.chapter(code).title, *([block.title] if block else [])]
    female, male = any(map(_FEMALE_HEADING.search, headings)), any(map(_MALE_HEADING.search, headings))
    return None if female == male else "female" if female else "male"


def sex_edit(system: CodeSystem, code: Code, patient: Patient) -> str | None:
    """A sentence where the code is for the other sex."""
    meant = sex_of(system, code) if patient.sex else None
    if meant is None or meant == patient.sex:
        return None
    return f"{code.value} is a code for {meant} patients; the patient is {patient.sex}."


def age_edit(system: CodeSystem, code: Code, patient: Patient) -> tuple[str, bool] | None:
    """(sentence, whether the code is impossible at this age); None where nothing is odd."""
    if patient.age is None:
        return None
    chapter = system.chapter(code).title
    if _PERINATAL.search(chapter) and patient.age >= 1:
        newborn = bool(_NEWBORN.search(system.description(code)))
        return f"{code.value} is a code of the perinatal period; the patient is {patient.age:.0f} years old.", newborn
    low, high = _MATERNITY
    if _PREGNANCY.search(chapter) and not low <= patient.age <= high:
        return f"{code.value} is a code of pregnancy; the patient is {patient.age:.0f} years old.", True
    return None
