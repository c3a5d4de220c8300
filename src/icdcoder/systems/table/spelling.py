"""How codes are written: which forms a system has and where the dot goes. Zeros are never added or dropped."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from icdcoder.core.errors import InputError

LONGEST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Spelling:
    """title: of the system, for the error. form: what an undotted code must match in full. dot_after: how many
    characters of an undotted code stand before its dot (None: the system has no dot). example: for the error."""

    title: str
    form: re.Pattern[str]
    dot_after: Callable[[str], int] | None
    example: str

    def dotted(self, raw: str) -> str:
        """The canonical spelling of " 4280 ", "428.0", "e11.9" … Raises InputError where the form is not the system's.

        A dot is optional in `raw`, but where it stands it must stand in the right place: 38.93 is a procedure, and
        moving its dot would make the diagnosis 389.3 of it.
        """
        if not isinstance(raw, str):
            raise InputError(
                f"A code is text, and this is a {type(raw).__name__}: codes that were read as numbers have lost their "
                "zeros; read the column as text."
            )
        text = raw.strip().upper()
        before, dot, after = text.partition(".")
        bare = before + after
        if not self.form.fullmatch(bare) or (dot and self.dot_after is None):
            raise InputError(f"{_shown(raw)} does not look like a code of {self.title}, such as {self.example}.")
        if self.dot_after is None:
            return bare
        head = self.dot_after(bare)
        if dot and len(before) != head:
            raise InputError(f"The dot of {_shown(raw)} is not where {self.title} has it, as in {self.example}.")
        return bare if len(bare) <= head else f"{bare[:head]}.{bare[head:]}"


def _shown(raw: str) -> str:
    """What is too long for a code may be text of a patient from a wrong column, which no error may show."""
    return repr(raw) if len(raw) <= LONGEST_SHOWN else f"A value of {len(raw)} characters"


def undotted(value: str) -> str:
    """The spelling of raw tables and claims: "250.00" → "25000"."""
    return value.replace(".", "")


# V codes have two digits before the dot, E codes three. Leading zeros are part of the code: 003 is not 3.
ICD9CM = Spelling(
    "ICD-9-CM diagnoses",
    re.compile(r"[0-9]{3,5}|V[0-9]{2,4}|E[0-9]{3,4}"),
    lambda bare: 4 if bare.startswith("E") else 3,
    "428.0, V45.81 or E885.9",
)
ICD9PCS = Spelling("ICD-9-CM procedures", re.compile(r"[0-9]{2,4}"), lambda bare: 2, "38.93")
# Since 2026 a second character may be a letter (QA0).
ICD10CM = Spelling("ICD-10-CM", re.compile(r"[A-Z][0-9A-Z]{2,6}"), lambda bare: 3, "E11.9")
# I and O are not used, so that no one takes them for 1 and 0. Three characters name a table of codes.
ICD10PCS = Spelling("ICD-10-PCS", re.compile(r"[0-9A-HJ-NP-Z]{3,7}"), None, "02HV33Z")
