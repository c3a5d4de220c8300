"""The contracts of a coder that answers in more than one way, of which one or a blend counts; of one that may fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from icdcoder.core.note import Note
from icdcoder.core.prediction import Predictor, ScoringPredictor

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Answered:
    """probabilities: "note code", what counts. by_way: the same by each way alone. counts: of what went wrong in
    answers that were written: codes outside the label space, prose, answers that were cut."""

    probabilities: Matrix
    by_way: Mapping[str, Matrix] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


@runtime_checkable
class AnsweringCoder(ScoringPredictor, Protocol):
    """Evaluation measures each way beside what counts."""

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Of each way, chosen on validation notes; a code is accepted where its probability is greater."""
        ...

    def answered(self, notes: Sequence[Note]) -> Answered: ...


@runtime_checkable
class FaultCountingCoder(Predictor, Protocol):
    """A coder whose answers may be unreadable, cut or missing; evaluation shows how often beside its measures."""

    @property
    def faults(self) -> Mapping[str, int]:
        """Name of a measure → how often it has happened since the coder was loaded, 0 too."""
        ...
