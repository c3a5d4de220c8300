"""The contract of a coder that decides over concepts: first which concepts a note supports, then which codes follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.note import Note
from icdcoder.core.prediction import Evidence, ScoringPredictor


@runtime_checkable
class ConceptCoder(ScoringPredictor, Protocol):
    """Explaining and the leak check know only this; codes are in the order of `space`."""

    @property
    def concept_names(self) -> tuple[str, ...]:
        """Of each concept, unique; the order of every matrix over concepts."""
        ...

    @property
    def concept_layers(self) -> tuple[int, ...]:
        """1: general, of a code's parent; 2: specific to a code."""
        ...

    @property
    def membership(self) -> npt.NDArray[np.bool_]:
        """Matrix "code concept": which concepts bear on which code."""
        ...

    @property
    def concepts_from(self) -> Mapping[Code, Code | None]:
        """{code without concepts of its own: the code above it whose concepts it takes, or None: it has none}."""
        ...

    @property
    def threshold(self) -> float:
        """A code is accepted where its probability is greater."""
        ...

    def concept_index(self, name: str) -> int:
        """Raises InputError (did you mean …)."""
        ...

    def concept_scores(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note concept" of probabilities that the note supports the concept."""
        ...

    def code_probabilities(
        self, scores: npt.NDArray[np.float32], notes: Sequence[Note], codes: Sequence[int] | None = None
    ) -> npt.NDArray[np.float32]:
        """Matrix "note concept" → matrix "note code": the second stage alone, which may look at the notes too. notes:
        one a row, or one for all rows. codes: the columns that are wanted; none: all."""
        ...

    def concept_evidence(self, note: Note) -> Mapping[int, tuple[Evidence, ...]]:
        """Where the note speaks of a concept, by the concept's number; where it denies it, the score is low."""
        ...
