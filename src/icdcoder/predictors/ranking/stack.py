"""Two probabilities of one code → one, by logistic regression on their log-odds (stacking, Wolpert 1992)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icdcoder.predictors.ranking.boosting import sigmoid

_SMALLEST = 1e-5
_ROUNDS = 30
NAMES = ("constant", "ranked", "trained", "not ranked", "outside the label space")


@dataclass(frozen=True)
class Stack:
    """weights: in the order of NAMES."""

    weights: tuple[float, ...]

    def probabilities(
        self, ranked: npt.NDArray[np.float64], trained: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """One a code. ranked, trained: NaN where the coder has no word on the code."""
        return sigmoid(_inputs(ranked, trained) @ np.array(self.weights))

    @classmethod
    def fit(
        cls,
        ranked: npt.NDArray[np.float64],
        trained: npt.NDArray[np.float64],
        right: npt.NDArray[np.bool_],
        penalty: float = 1.0,
    ) -> Stack:
        """Newton's method on the penalised log loss; the constant is free."""
        rows = _inputs(ranked, trained)
        weights = np.array([0.0, 0.5, 0.5, 0.0, 0.0])
        ridge = np.diag([1e-6, *[penalty] * 4])
        for _ in range(_ROUNDS):
            p = sigmoid(rows @ weights)
            slope = rows.T @ (p - right) + ridge @ weights
            curve = (rows * (p * (1 - p))[:, None]).T @ rows + ridge
            step = np.linalg.solve(curve, slope)
            weights = weights - step
            if np.abs(step).max() < 1e-8:
                break
        return cls(tuple(float(w) for w in weights))


def _inputs(ranked: npt.NDArray[np.float64], trained: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """ "code input": log-odds, 0 where there is none and a flag says so."""
    columns = [np.ones(len(ranked))]
    flags = []
    for values in (ranked, trained):
        missing = np.isnan(values)
        clipped = np.clip(np.where(missing, 0.5, values), _SMALLEST, 1 - _SMALLEST)
        columns.append(np.log(clipped / (1 - clipped)))
        flags.append(missing.astype(np.float64))
    return np.stack([*columns, *flags], axis=1)
