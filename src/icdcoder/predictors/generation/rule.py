"""The rule by which what a model writes and what its label attention finds become one answer.

"How to leverage large language models for automatic ICD coding", equation 5: Y = λ Y_gen + (1 − λ) Y_att with λ 0 or 1,
whichever did better on validation notes. A blend of both is our own option: a logistic regression on their log-odds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.predictors.generation.answering import WAYS, Answers
from icdcoder.predictors.ranking.stack import Stack

BLEND = "blend"


@dataclass(frozen=True, slots=True)
class Rule:
    """way: "generation" (λ = 1), "attention" (λ = 0) or "blend". weights: of the blend; see Stack."""

    way: str
    weights: tuple[float, ...] = ()

    @property
    def ways(self) -> tuple[str, ...]:
        """The answers that it needs."""
        return WAYS if self.way == BLEND else (self.way,)

    def __call__(self, answers: Answers) -> npt.NDArray[np.float32]:
        """Matrix "note code"."""
        if self.way != BLEND:
            return answers.by_way[self.way]
        generation, attention = _flat(answers)
        blended = Stack(self.weights).probabilities(generation, attention)
        return blended.reshape(len(answers.prose), -1).astype(np.float32)

    @classmethod
    def blended(cls, answers: Answers, gold: npt.NDArray[np.bool_]) -> Rule:
        """Fitted on the answers to notes whose codes are known."""
        return cls(BLEND, Stack.fit(*_flat(answers), gold.ravel()).weights)

    def to_json(self) -> dict[str, Any]:
        return {"way": self.way, "weights": list(self.weights)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Rule:
        return cls(data["way"], tuple(data["weights"]))


def _flat(answers: Answers) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    assert answers.generation is not None
    assert answers.attention is not None
    return answers.generation.ravel().astype(np.float64), answers.attention.ravel().astype(np.float64)
