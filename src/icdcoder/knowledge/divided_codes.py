"""Codes that have been divided since an older edition: what is coded below one of them today was coded as itself then.

A fact of the classification, told by its editions' lists of codes (knowledge/data/…_divided_since_….txt).
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from icdcoder.core.code import Code


def undivided(code: Code, year: str) -> Code:
    """The code as that year's edition had it: "2018" of ICD-10-CM, "2007" of ICD-9-CM. Others come back as they are."""
    divided, others = _changes(code.system, year)
    value = others.get(code.value, code.value)
    # Seventh characters are no division.
    value = next((value[:n] for n in range(len(value) - 1, 2, -1) if value[:n] in divided), value)
    return code if value == code.value else Code(code.system, value)


def was_whole(code: Code, year: str) -> bool:
    """Whether that year's edition had the code as one to be given, which today stands above others."""
    return code.value in _changes(code.system, year)[0]


def is_older(system: str, year: str) -> bool:
    """Whether it is an older edition of which the differences are known here."""
    return bool(_changes(system, year)[0])


@lru_cache(maxsize=8)
def _changes(system: str, year: str) -> tuple[frozenset[str], dict[str, str]]:
    file = files("icdcoder.knowledge") / "data" / f"{system}_divided_since_{year}.txt"
    if not file.is_file():
        return frozenset(), {}
    first, _, second = file.read_text(encoding="utf-8").partition("# Today's code")
    divided = frozenset(word for line in first.splitlines() if not line.startswith("#") for word in line.split())
    pairs = (line.split() for line in second.splitlines()[1:])
    return divided, {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
