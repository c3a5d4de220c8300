"""One row a code: what it is, how often it was seen, and how well it was found."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.measure.counts import Counts

COLUMNS = ("code", "description", "training_notes", "gold", "accepted", "correct", "precision", "recall", "f1")


@dataclass(frozen=True)
class CodeRow:
    """One code of the space. training: its training notes; gold, accepted, correct: its notes in this split."""

    code: Code
    description: str
    training: int
    gold: int
    accepted: int
    correct: int

    @property
    def counts(self) -> Counts:
        return Counts(*(np.asarray(number) for number in (self.gold, self.accepted, self.correct)))


def code_rows(
    space: LabelSpace, counts: Counts, training: npt.NDArray[np.integer], descriptions: Mapping[str, str]
) -> tuple[CodeRow, ...]:
    """Rows in the order of the space. descriptions: by `str(code)`; a code without one has ""."""
    columns = (training.tolist(), counts.gold.tolist(), counts.accepted.tolist(), counts.correct.tolist())
    if any(len(column) != len(space) for column in columns):
        raise InputError(f"The label space has {len(space)} codes; {[len(c) for c in columns]} were counted.")
    return tuple(
        CodeRow(code, descriptions.get(str(code), ""), *numbers)
        for code, *numbers in zip(space.codes, *columns, strict=True)
    )


def to_csv(rows: Sequence[CodeRow]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        ratios = (f"{float(value):.4f}" for value in (row.counts.precision, row.counts.recall, row.counts.f1))
        writer.writerow((row.code, row.description, row.training, row.gold, row.accepted, row.correct, *ratios))
    return out.getvalue()


def from_csv(text: str) -> tuple[CodeRow, ...]:
    """Reads what `to_csv` wrote; the ratios are worked out anew. Raises KeyError, ValueError or InputError."""
    return tuple(
        CodeRow(
            Code.parse(row["code"]),
            row["description"],
            *(int(row[name]) for name in ("training_notes", "gold", "accepted", "correct")),
        )
        for row in csv.DictReader(io.StringIO(text, newline=""))
    )
