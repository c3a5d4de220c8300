"""Which code of allergy status an allergen has: that of a list of our own, else that of a drug's class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from icdcoder.knowledge.shipped import rows

TABLE = "allergens.tsv"
# The beginnings of a drug's codes of poisoning, the longest first, and the status of an allergy to it.
_CLASSES = (
    ("T36.0", "Z88.0"),
    ("T37.0", "Z88.2"),
    ("T37.8", "Z88.1"),
    ("T40.2", "Z88.5"),
    ("T40.3", "Z88.5"),
    ("T40.4", "Z88.5"),
    ("T50.A", "Z88.7"),
    ("T50.B", "Z88.7"),
    ("T50.Z", "Z88.7"),
    ("T36", "Z88.1"),
    ("T37", "Z88.3"),
    ("T39", "Z88.6"),
    ("T41", "Z88.4"),
    *((f"T{number}", "Z88.8") for number in (38, *range(42, 51))),
)
# Words of the table of drugs that such a list has for other reasons.
_NO_ALLERGEN = frozenset(
    "anesthesia general anesthesia anesthetic chemotherapy drug drugs medication medications pills lead iron steroid "
    "steroids hormone pollen pollens dust caffeine".split()
)


def status(name: str, stems: Mapping[str, str]) -> str | None:
    """The code of Z88 or Z91.0 for a name in small letters; None for what is no allergen. stems: of table_of_drugs."""
    own = _listed().get(name)
    stem = stems.get(name)
    if own or stem is None or name in _NO_ALLERGEN:
        return own
    return next((value for beginning, value in _CLASSES if stem.startswith(beginning)), None)


@lru_cache(maxsize=1)
def _listed() -> dict[str, str]:
    found: dict[str, str] = {}
    for value, names in rows(TABLE):
        found.update((name.strip(), value) for name in names.split("|"))
    return found
