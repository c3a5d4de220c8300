"""The names from which concepts are made: what expressions, inclusion terms and the index say of a code."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.knowledge import expressions, index_terms, sources

# Ends of titles that say that nothing more is said; no note states them.
_NOTHING_SAID = re.compile(
    r"^(?:other and )?unspecified |(?:,| or) unspecified(?: \w+)?$|"
    r",? (?:unspecified|not otherwise specified|not elsewhere classified|NOS|NEC)$|"
    r", (?:site|part|stage|level|extent|organ involvement|grade|valve|cause|joint|organism|body region|means|"
    r"incompatibility|other and) unspecified$|"
    r",? (?:initial|subsequent) encounter(?: .*)?$|,? sequela$| without (?:complications?|mention of .*)$",
    re.IGNORECASE,
)
# A drug suggests a condition in any dose.
_DOSE = re.compile(r"(?: at)?,? \d[\d.,/-]*\s?(?:mg|mcg|g|grams?|units?|ml|cc|puffs?|tablets?)\b.*$", re.IGNORECASE)
# What stands before a measurement means nothing without it: "urine output under 20 cc per hour".
_MEASURED = re.compile(r"\b(?:of|under|over|with|to)$", re.IGNORECASE)
_BRACKETS = re.compile(r"\s*[\[(][^\])]*[\])]")
# Terms of the index that lie deeper, or hang on a circumstance, are sentences more than names.
_DEEPEST = 3
_HANGING = re.compile(r"\b(?:with|due|in|following|by|see|specified|affecting)\b|^$")


def short(title: str) -> str:
    """A title as a person would say it: without brackets and without the words that say that nothing more is known."""
    text = _BRACKETS.sub("", title)
    while (shorter := _NOTHING_SAID.sub("", text)) != text:
        text = shorter
    text = text[:1].upper() + text[1:]
    return " ".join(text.split()).strip(" ,") or title


@dataclass(frozen=True)
class Wordings:
    """stated, suggesting: expressions that state a code, and those that only suggest it, by code. index: names from
    the alphabetic index."""

    stated: dict[Code, tuple[str, ...]] = field(default_factory=dict)
    suggesting: dict[Code, tuple[str, ...]] = field(default_factory=dict)
    index: dict[Code, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Collection[str], *, index: bool = False, more: Sequence[Path] = ()) -> Wordings:
        """What is known in the systems named. index: raises ArtefactError where the index has not been fetched. more:
        files of expressions of the user's. Raises InputError for those, and where an index is asked for that no system
        named has here."""
        if index and "icd10cm" not in names:
            raise InputError(
                f"There is no alphabetic index of {', '.join(sorted(names))} here; only ICD-10-CM has one."
            )
        stated: dict[Code, tuple[str, ...]] = {}
        suggesting: dict[Code, tuple[str, ...]] = {}
        for name in sorted(names):
            stated.update(_texts(name, expressions.CODING_KINDS, more))
            suggesting.update(_texts(name, ("indirect",), more))
        return cls(stated, suggesting, _from_index() if index else {})

    def names(self, code: Code) -> tuple[str, ...]:
        """Other names of the condition."""
        return (*self.stated.get(code, ()), *self.index.get(code, ()))

    def indirect(self, code: Code) -> tuple[str, ...]:
        """Drugs (without their dose), findings and procedures that suggest it."""
        return tuple(map(_without_dose, self.suggesting.get(code, ())))

    def inclusions(self, code: Code) -> tuple[str, ...]:
        """What the classification itself names below the code."""
        edition = systems.load(code.system)
        if code not in edition:
            return ()
        return tuple(short(text) for text in (*edition.inclusion_terms(code), *edition.includes(code)))


def _without_dose(text: str) -> str:
    short_of_it = _DOSE.sub("", text)
    return text if not short_of_it or _MEASURED.search(short_of_it) else short_of_it


def index_is_here() -> bool:
    """Whether the alphabetic index has been fetched."""
    return sources.located(index_terms.SOURCE) is not None


def _texts(system: str, kinds: Collection[str], more: Sequence[Path]) -> Iterator[tuple[Code, tuple[str, ...]]]:
    """The user's first, as only the first few of a code become concepts."""
    ours = expressions.load(system, kinds)
    for code, found in (expressions.load(system, kinds, more) if more else ours).items():
        own = ours.get(code, ())
        yield code, tuple(one.text for one in (*(new for new in found if new not in own), *own))


def _from_index() -> dict[Code, tuple[str, ...]]:
    """The terms of the index that read as names: "type 2 diabetes" for Diabetes, diabetic / type 2."""
    found: dict[Code, dict[str, None]] = {}
    for entry in index_terms.load().entries:
        if entry.incomplete or len(entry.path) > _DEEPEST or any(map(_HANGING.search, entry.path)):
            continue
        heads = [title.partition(",")[0] for title in entry.path]
        found.setdefault(entry.code, {})[" ".join(reversed(heads)).lower()] = None
    return {code: tuple(names) for code, names in found.items()}
