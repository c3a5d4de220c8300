"""What kind of mistake a coder makes: each missed and each added code of a note, under the first kind that holds.

A miss is a matter of finding (no candidate), of judging (ranked low, not affirmed) or of choosing (a neighbour was
taken), and each asks for another remedy.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.note import Note
from icdcoder.core.prediction import CodePrediction, Prediction
from icdcoder.text.assertion import Assertions
from icdcoder.text.sections import split

Kind = Literal[
    "more specific chosen",
    "less specific chosen",
    "neighbour in the category",
    "neighbour in the block",
    "not affirmed",
    "ranked low",
    "no candidate",
    "added",
]
KINDS: tuple[Kind, ...] = (
    "more specific chosen",
    "less specific chosen",
    "neighbour in the category",
    "neighbour in the block",
    "not affirmed",
    "ranked low",
    "no candidate",
    "added",
)
_HELD = ("affirmed", "historical")


@dataclass(frozen=True, slots=True)
class CodingError:
    """code: the gold code that was missed, or the code that was added. other: what was accepted in its stead.

    spans: [start, end) into the note, of the evidence of `other`, or else of the code itself.
    """

    kind: Kind
    code: Code
    other: Code | None = None
    spans: tuple[tuple[int, int], ...] = field(default=(), repr=False)


def coding_errors(note: Note, gold: AbstractSet[Code], prediction: Prediction) -> list[CodingError]:
    """Missed codes in the order of the codes, then added ones; a wrong code stands in for one missed code at most."""
    listed = {one.code: one for one in prediction.codes}
    wrong = [one for one in prediction.accepted if one.code not in gold]
    found: list[CodingError] = []
    missed = sorted(gold - {one.code for one in prediction.accepted})
    for kind in KINDS[:4]:
        for code in list(missed):
            one = next((one for one in wrong if _relation(code, one) == kind), None)
            if one is not None:
                found.append(CodingError(kind, code, one.code, _spans(one)))
                wrong.remove(one)
                missed.remove(code)
    assertions: Assertions | None = None
    for code in missed:
        one = listed.get(code)
        if one is None:
            found.append(CodingError("no candidate", code))
            continue
        spans = _spans(one)
        assertions = assertions or Assertions(note.text, split(note.text))
        held = not spans or any(assertions.of(*span).status in _HELD for span in spans)
        found.append(CodingError("ranked low" if held else "not affirmed", code, None, spans))
    found.sort(key=lambda error: error.code)
    return [*found, *(CodingError("added", one.code, None, _spans(one)) for one in wrong)]


def counted(errors: Iterable[CodingError]) -> dict[Kind, int]:
    """In the order of KINDS, zeros too."""
    kinds = [error.kind for error in errors]
    return {kind: kinds.count(kind) for kind in KINDS}


def _relation(gold: Code, one: CodePrediction) -> Kind | None:
    """How an accepted code stands to a missed one; None where they are of different blocks."""
    other = one.code
    if other.system != gold.system:
        return None
    if other.value.startswith(gold.value):
        return "more specific chosen"
    same = _category(other) == _category(gold)
    if gold.value.startswith(other.value) or (same and "unspecified" in one.description.lower()):
        return "less specific chosen"
    if same:
        return "neighbour in the category"
    block = _block(gold)
    return "neighbour in the block" if block is not None and block == _block(other) else None


def _category(code: Code) -> str:
    return code.value.partition(".")[0]


def _block(code: Code) -> str | None:
    """The block's id; None for a code of another edition whose category is gone, and where chapters have no blocks."""
    system = systems.load(code.system)
    category = Code(code.system, _category(code))
    known = code if code in system else category
    block = system.block(known) if known in system else None
    return block.id if block else None


def _spans(one: CodePrediction) -> tuple[tuple[int, int], ...]:
    return tuple((evidence.start, evidence.end) for evidence in one.evidence)
