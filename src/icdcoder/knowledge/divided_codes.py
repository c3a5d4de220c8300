"""Codes that have been divided since an older edition: what is coded below one of them today was coded as itself then.

A fact of the classification, told by its editions' lists of codes (knowledge/data/…_divided_since_….txt).
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from icdcoder.core.code import Code

# Each list tells one edition from the next one that has a list, the last from today's.
_LISTS = {"icd10cm": ("2018", "2017"), "icd9cm": ("2007",)}


def undivided(code: Code, year: str) -> Code:
    """The code as that year's edition had it: "2018" or "2017" of ICD-10-CM, "2007" of ICD-9-CM. Others come back as
    they are."""
    value = code.value
    for step in _back_to(code.system, year):
        divided, others = _changes(code.system, step)
        value = others.get(value, value)
        # Seventh characters are no division.
        value = next((value[:n] for n in range(len(value) - 1, 2, -1) if value[:n] in divided), value)
    return code if value == code.value else Code(code.system, value)


def was_whole(code: Code, year: str) -> bool:
    """Whether that year's edition had the code as one to be given, which today stands above others."""
    return any(code.value in _changes(code.system, step)[0] for step in _back_to(code.system, year))


def is_older(system: str, year: str) -> bool:
    """Whether it is an older edition of which the differences are known here."""
    return year in _LISTS.get(system, ())


def _back_to(system: str, year: str) -> tuple[str, ...]:
    years = _LISTS.get(system, ())
    return years[: years.index(year) + 1] if year in years else ()


@lru_cache(maxsize=8)
def _changes(system: str, year: str) -> tuple[frozenset[str], dict[str, str]]:
    file = files("icdcoder.knowledge") / "data" / f"{system}_divided_since_{year}.txt"
    first, _, second = file.read_text(encoding="utf-8").partition("# Today's code")
    divided = frozenset(word for line in first.splitlines() if not line.startswith("#") for word in line.split())
    pairs = (line.split() for line in second.splitlines()[1:])
    return divided, {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
