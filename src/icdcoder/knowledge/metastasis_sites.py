"""Sites to which cancer spreads, with the codes of ICD-10-CM for a secondary neoplasm there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from icdcoder.knowledge.shipped import rows

TABLE = "metastasis_sites.tsv"


@dataclass(frozen=True, slots=True)
class MetastasisSite:
    """code: where the side is open or there is none; right, left: None where the site has no side."""

    code: str
    right: str | None
    left: str | None
    words: re.Pattern[str]


@lru_cache(maxsize=1)
def sites() -> tuple[MetastasisSite, ...]:
    """In the order of the data file."""
    found = []
    for code, right, left, words in rows(TABLE):
        right, left = (None if side == "-" else side for side in (right, left))
        found.append(MetastasisSite(code, right, left, re.compile(rf"(?:{words})\b", re.IGNORECASE)))
    return tuple(found)
