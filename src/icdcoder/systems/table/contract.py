"""The contract of a code system: what every member of `icdcoder.systems` answers about its codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from icdcoder.core.code import Code


@dataclass(frozen=True, slots=True)
class Heading:
    """A chapter or block: it groups categories and is never coded itself.

    id: as the classification names it ("9", "I20-I25", "390-459", "02"). title: without the range.
    first, last: the categories at its ends, both included (of ICD-10-PCS: the prefixes).
    """

    id: str
    title: str
    first: str
    last: str


@runtime_checkable
class CodeSystem(Protocol):
    """One edition of one classification, which holds categories, subcategories and billable codes.

    Every method that takes a `Code` raises UnknownCodeError where the edition does not hold it (also where it is of
    another system); `in` answers the same question without an error. Orders are those of the printed classification.
    """

    @property
    def name(self) -> str:
        """As in `Code.system`: "icd10cm"."""
        ...

    @property
    def title(self) -> str:
        """For people: "ICD-10-CM diagnoses"."""
        ...

    @property
    def edition(self) -> str:
        """The fiscal year of the tables: "2026"."""
        ...

    @property
    def uri(self) -> str:
        """FHIR's `Coding.system`."""
        ...

    def spell(self, raw: str) -> Code:
        """Upper case, no space around, the dot where the system puts it; zeros are never added or dropped.

        Looks only at the form, so that codes of other editions pass. Raises InputError where no code of the system
        can look like this.
        """
        ...

    def canonical(self, raw: str) -> Code:
        """`spell`, and the edition holds the code. Raises UnknownCodeError (did you mean …)."""
        ...

    def __contains__(self, code: object) -> bool: ...

    def __len__(self) -> int:
        """How many codes there are, categories and subcategories included."""
        ...

    def codes(self) -> Iterator[Code]:
        """All, billable or not; a parent stands before its children."""
        ...

    def billable(self) -> Iterator[Code]:
        """Those that may stand on a claim."""
        ...

    def is_billable(self, code: Code) -> bool: ...

    def description(self, code: Code) -> str:
        """The long title."""
        ...

    def parent(self, code: Code) -> Code | None:
        """The code one level up; None for a category."""
        ...

    def children(self, code: Code) -> tuple[Code, ...]: ...

    def ancestors(self, code: Code) -> tuple[Code, ...]:
        """From the parent up to the category; empty for a category."""
        ...

    def descendants(self, code: Code) -> Iterator[Code]:
        """All codes below, in order."""
        ...

    def category(self, code: Code) -> Code:
        """The topmost code above (three characters in most systems); a category is its own."""
        ...

    def block(self, code: Code) -> Heading | None:
        """The nearest; None where the classification has no block between the chapter and the category."""
        ...

    def chapter(self, code: Code) -> Heading: ...

    def blocks(self) -> tuple[Heading, ...]:
        """All, with those of ICD-10-CM that only group other blocks (T20-T32, burns and corrosions)."""
        ...

    def chapters(self) -> tuple[Heading, ...]: ...

    def inclusion_terms(self, code: Code) -> tuple[str, ...]:
        """Other names of conditions that are coded exactly here."""
        ...

    def includes(self, code: Code, *, inherited: bool = False) -> tuple[str, ...]:
        """ "Includes" notes, as printed. `inherited`: also those of the ancestors, block and chapter, nearest first."""
        ...

    def excludes1(self, code: Code, *, inherited: bool = False) -> tuple[str, ...]:
        """Conditions never coded together with this one. Codes stand in the text, in brackets."""
        ...

    def excludes2(self, code: Code, *, inherited: bool = False) -> tuple[str, ...]:
        """Conditions that are not part of this one, and may be coded beside it."""
        ...

    def code_first(self, code: Code, *, inherited: bool = False) -> tuple[str, ...]:
        """What has to be sequenced before this code."""
        ...

    def use_additional(self, code: Code, *, inherited: bool = False) -> tuple[str, ...]:
        """What is to be coded after this code where it applies."""
        ...

    def code_also(self, code: Code, *, inherited: bool = False) -> tuple[str, ...]:
        """What may be needed beside this code, in any sequence."""
        ...

    def seventh_characters(self, code: Code) -> Mapping[str, str]:
        """{character: meaning} that holds for this code, from itself or its nearest ancestor; {} where none does."""
        ...
