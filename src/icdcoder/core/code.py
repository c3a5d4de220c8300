"""A code is never a bare string: ICD-9-CM diagnosis 003.1 and procedure 00.31 are both "0031" in raw tables."""

from __future__ import annotations

from dataclasses import dataclass

from icdcoder.core.errors import InputError


@dataclass(frozen=True, order=True, slots=True)
class Code:
    """One code of one code system, in that system's canonical spelling (with the dot).

    system: name of a member of `icdcoder.systems` ("icd9cm", "icd9pcs", "icd10cm", "icd10pcs", …).
    value: canonical spelling, e.g. "250.00", "38.93", "E11.9", "02HV33Z". Text, never a number.
    """

    system: str
    value: str

    def __post_init__(self) -> None:
        for part in (self.system, self.value):
            if not isinstance(part, str) or not part or part != part.strip() or ":" in part:
                raise InputError(f"A code needs a system and a value, both text: got {self.system!r}, {self.value!r}.")

    def __hash__(self) -> int:
        # A third of the time that the hash of both would take; few codes of two systems have the same value.
        return hash(self.value)

    def __str__(self) -> str:
        return f"{self.system}:{self.value}"

    @classmethod
    def parse(cls, text: str) -> Code:
        """Reads "icd10cm:I10", as written by `str(code)`. Raises InputError."""
        system, colon, value = text.partition(":")
        if not colon:
            raise InputError(f"{text!r} is not a typed code; write the system before it, as in 'icd10cm:I10'.")
        return cls(system, value)
