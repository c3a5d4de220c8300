"""The answer: which codes a note supports, each with a score and its evidence; and the contract of who answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.note import Note

# Begins the warning of a note that was given and not coded, as its coder could not be reached.
NOT_CODED = "Not coded: "


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span of the note as the user sent it: text == note.text[start:end]. method names who found it."""

    start: int
    end: int
    text: str
    method: str
    score: float | None = None

    def __repr__(self) -> str:
        return f"Evidence({self.start}:{self.end}, {self.method})"


@dataclass(frozen=True, slots=True)
class CodePrediction:
    """One candidate code; accepted says whether the decision rule takes it; score lies in [0, 1]."""

    code: Code
    description: str
    score: float
    accepted: bool
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """[start, end) code points of the note that the coder did not read, and why."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What a rule of the code set did with a code, and why.

    action: "removed": it is no longer accepted, "replaced": `other` is accepted in its stead, "advised": nothing was
    done and a person should look; `other` is the code it gives way to, or is advised. edition: of the rule's tables.
    """

    code: Code
    action: Literal["removed", "replaced", "advised"]
    rule: str
    reason: str
    edition: str
    other: Code | None = None


@dataclass(frozen=True, slots=True)
class CoderName:
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """All that a coder says of one note. `codes` falls by score; `left_unread` and `warnings` hide nothing, and
    `changes` says what the rules of the code set made of the coder's own list."""

    note_id: str
    coder: CoderName
    system: str
    edition: str
    codes: tuple[CodePrediction, ...]
    left_unread: tuple[Span, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    changes: tuple[RuleChange, ...] = field(default=())

    @property
    def not_coded(self) -> str | None:
        """Why the note was not coded, where its coder could not be reached; its text is not in it."""
        return next((w.removeprefix(NOT_CODED) for w in self.warnings if w.startswith(NOT_CODED)), None)

    @property
    def accepted(self) -> tuple[CodePrediction, ...]:
        return tuple(c for c in self.codes if c.accepted)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict, whose shape docs/formats.md gives; `from_json` reads it back unchanged."""
        return {
            "note_id": self.note_id,
            "coder": {"name": self.coder.name, "version": self.coder.version},
            "system": self.system,
            "edition": self.edition,
            "codes": [_code_to_json(c) for c in self.codes],
            "left_unread": [{"start": s.start, "end": s.end, "reason": s.reason} for s in self.left_unread],
            "warnings": list(self.warnings),
            "changes": [_change_to_json(c) for c in self.changes],
        }

    def to_json_line(self) -> str:
        return json.dumps(self.to_json(), ensure_ascii=False)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Prediction:
        try:
            return cls(
                note_id=data["note_id"],
                coder=CoderName(**data["coder"]),
                system=data["system"],
                edition=data["edition"],
                codes=tuple(_code_from_json(c) for c in data["codes"]),
                left_unread=tuple(Span(**s) for s in data["left_unread"]),
                warnings=tuple(data["warnings"]),
                changes=tuple(_change_from_json(c) for c in data.get("changes", ())),
            )
        except (KeyError, TypeError) as error:
            raise InputError(f"This is not a prediction of icdcoder: {type(error).__name__} at {error}.") from None


@runtime_checkable
class Predictor(Protocol):
    """Anything that turns notes into predictions. Measuring, explaining and serving know only this."""

    @property
    def name(self) -> CoderName: ...

    def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
        """One prediction a note, in order. `top`: how many ranked candidates beyond the accepted codes' count
        may be listed at most in all (None: the coder's own default). Accepted codes are never cut."""
        ...


@runtime_checkable
class AttendingPredictor(Predictor, Protocol):
    """A predictor that can say which tokens it looked at."""

    def attention(self, note: Note, codes: Sequence[Code]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """(weights "code token", offsets "token 2"): each row of weights sums to 1 over the tokens that were read;
        offsets are [start, end) into note.text."""
        ...


@runtime_checkable
class ScoringPredictor(Predictor, Protocol):
    """A predictor with a closed label space and one probability a code."""

    @property
    def space(self) -> LabelSpace: ...

    def probabilities(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note code" of probabilities in the order of `space`."""
        ...


def _code_to_json(c: CodePrediction) -> dict[str, Any]:
    evidence = []
    for e in c.evidence:
        row: dict[str, Any] = {"start": e.start, "end": e.end, "text": e.text, "method": e.method}
        if e.score is not None:
            row["score"] = e.score
        evidence.append(row)
    return {
        "system": c.code.system,
        "code": c.code.value,
        "description": c.description,
        "score": c.score,
        "accepted": c.accepted,
        "evidence": evidence,
    }


def _code_from_json(data: dict[str, Any]) -> CodePrediction:
    return CodePrediction(
        code=Code(data["system"], data["code"]),
        description=data["description"],
        score=data["score"],
        accepted=data["accepted"],
        evidence=tuple(Evidence(**e) for e in data["evidence"]),
    )


def _change_to_json(change: RuleChange) -> dict[str, Any]:
    row: dict[str, Any] = {
        "code": str(change.code),
        "action": change.action,
        "rule": change.rule,
        "reason": change.reason,
        "edition": change.edition,
    }
    return row if change.other is None else {**row, "other": str(change.other)}


def _change_from_json(data: dict[str, Any]) -> RuleChange:
    other = data.get("other")
    return RuleChange(
        Code.parse(data["code"]),
        data["action"],
        data["rule"],
        data["reason"],
        data["edition"],
        None if other is None else Code.parse(other),
    )
