"""Code systems, one file each: codes, hierarchy, descriptions, notes, billable or not, edition; and their mapping.

`load("icd10cm")` gives a `CodeSystem`. What the members stand on is in `table`, the mapping between them in `mapping`.
"""

from __future__ import annotations

from functools import cache

from icdcoder.core import components
from icdcoder.systems.table.contract import CodeSystem, Heading

__all__ = ["CodeSystem", "Heading", "load"]


@cache
def load(name: str) -> CodeSystem:
    """The system of that name; made once a process. Raises ConfigError (did you mean …) where there is none."""
    return components.load("systems", name).load()
