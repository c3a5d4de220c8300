"""What the notes are about: conditions and procedures, each with its codes and the expressions that tell it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from icdcoder.core.code import Code
from icdcoder.corpora._synthetic import patients

Shape = Literal["noun", "any", "drug", "finding"]

# "lisinopril 10 mg daily", but not "Lasix 20 mg given between units", which is an event.
_DOSE = re.compile(
    r"^(?:[\w'-]+ ){1,4}\d[\d.,]*\s?(?:mg|mcg|g|units?|mEq)\b(?!.*\b(?:given|bolus|drip|loads?|IV|of|prior)\b)"
)
# Wordings that are no noun phrase ("s/p CABG", "on BiPAP", "known diabetic"): they stand in lists and after a colon.
_NOT_A_NOUN = re.compile(
    r"^(?:h/o|hx|s/p|history|status post|post|known|on|off|started|initiated|placed|given|received|underwent|weaned|"
    r"ruled|taken|went|transfused|treated|quit|stopped|gave|never|currently|still|actively|smokes|smoked|requir\w+|"
    r"toler\w+|maintained|\w+ed and|extubated|intubated|re-?intubated|fed|dialy[sz]ed|remained|kept|found|is|was|has|"
    r"had|in|unable|difficulty|paralyzed|temporized|withdrawing|addicted|allergic|unresponsive|confused|cured|"
    r"taking|takes|used|uses|drunk|declared|frankly|prior|previous|past|remote|old|former|longtime|long-time|"
    r"anti-?coagulated|heavy|ex|\d+)\b|"
    r"\b(?:performed|sent|revealed|showed|showing|started|initiated|obtained|inserted|placed|positive|dead|dependent|"
    r"intubated|appearing|done|years ago|in the past|user|abuser|addict|smoker|diabetic|hypertensive|[a-z]+less)$|"
    r"^\S+(?:tic|gic|mic|ive|ed|oker)$|^metastatic to\b|\breplaced$"
)


@dataclass(frozen=True, slots=True)
class Expression:
    """One wording. number: its place among all; held_out: stands in test notes only."""

    number: int
    text: str
    kind: str
    shape: Shape
    held_out: bool = False

    @property
    def capital(self) -> str:
        """As it begins a sentence. Where a capital stands already, nothing is changed ("pRBCs")."""
        first = re.match(r"\w*", self.text)
        return self.text[0].upper() + self.text[1:] if first and first[0].islower() else self.text


class Pool:
    """Expressions to draw from; those that stand first in their file are drawn more often."""

    def __init__(self, expressions: Iterable[Expression]) -> None:
        self.expressions = tuple(expressions)
        self.cumulative = tuple(accumulate((1 + place) ** -1.2 for place in range(len(self.expressions))))

    def __len__(self) -> int:
        return len(self.expressions)


@dataclass(frozen=True, slots=True, eq=False)
class Pools:
    abbreviations: Pool
    names: Pool
    indirect: Pool

    @classmethod
    def of(cls, expressions: Sequence[Expression]) -> Pools:
        def pool(*kinds: str) -> Pool:
            return Pool(e for e in expressions if e.kind in kinds)

        return cls(pool("abbreviation"), pool("term", "synonym"), pool("indirect"))


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """A condition or procedure. number: its rank, 0 the most common.

    known: expressions of all splits; held_out: those of the test part only. categories: see `patients.categories`.
    stems: beginnings of the words of its first names; labels that share one are near to each other.
    """

    number: int
    codes: tuple[Code, ...]
    nature: patients.Nature
    theme: str
    sex: patients.Sex | None
    familial: bool
    categories: frozenset[str]
    stems: frozenset[str]
    known: Pools
    held_out: Pools

    @property
    def name(self) -> str:
        return " ".join(map(str, self.codes))


_TELLS_LITTLE = frozenset("diseas disord failur chroni syndro status histor essent primar second simple type".split())


def make(number: int, codes: Sequence[Code], equivalent: Sequence[Code], expressions: Sequence[Expression]) -> Label:
    """codes: of the systems chosen; equivalent: of all systems, which tell what kind of condition it is."""
    names = [e.text.lower() for e in expressions if e.kind == "term"][:4]
    return Label(
        number=number,
        codes=tuple(codes),
        nature=patients.nature(equivalent),
        theme=patients.theme(equivalent),
        sex=patients.sex(equivalent),
        familial=patients.has_prefix(codes, patients.tables().familial),
        categories=patients.categories(codes),
        stems=frozenset(word[:6] for name in names for word in re.findall(r"[a-z]{5,}", name)) - _TELLS_LITTLE,
        known=Pools.of([e for e in expressions if not e.held_out]),
        held_out=Pools.of([e for e in expressions if e.held_out]),
    )


def shape(text: str, kind: str) -> Shape:
    """Which templates an expression fits."""
    if kind == "indirect":
        return "drug" if _DOSE.search(text) else "finding"
    return "any" if _NOT_A_NOUN.search(text) else "noun"
