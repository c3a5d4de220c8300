"""One threshold for all codes, chosen on validation notes; a code is accepted where its probability is greater."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icdcoder.core.artefact import load_card, save_card
from icdcoder.core.errors import ArtefactError, ConfigError, InputError, did_you_mean

# What is maximised → the full name of the measure.
METRICS = {"micro_f1": "micro_f1", "macro_f1": "macro_f1_mean_of_codes"}
ALLOWED = ("train", "validation")
# Thresholds that are compared for macro-F1, at quantiles of the gold codes' probabilities.
GRID = 255
ROWS = 256


@dataclass(frozen=True)
class Threshold:
    """value: accepted is probability > value. metric, score, split: what it was chosen for, what it reached and
    where; None for a threshold that was given. warnings: what it says of the probabilities."""

    value: float
    metric: str | None = None
    score: float | None = None
    split: str | None = None
    warnings: tuple[str, ...] = ()

    def accept(self, probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.bool_]:
        """Which entries are accepted."""
        return probabilities > self.value

    @property
    def origin(self) -> str:
        if self.metric is None or self.score is None:
            return f"{self.value:.4g}, given"
        return f"{self.value:.4g}, chosen for {self.metric} on the {self.split} part (there {self.score:.4f})"

    def to_json(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "metric": self.metric,
            "score": self.score,
            "split": self.split,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Threshold:
        """Raises ArtefactError where the data is not what `to_json` gives."""
        try:
            warnings = tuple(data.get("warnings", ()))
            return cls(float(data["value"]), data["metric"], data["score"], data["split"], warnings)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ArtefactError("This is not a threshold that icdcoder wrote.") from None

    def save(self, path: Path) -> None:
        save_card(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> Threshold:
        """Raises ArtefactError where the file is missing or damaged."""
        return cls.from_json(load_card(path, "a folder with a threshold"))


def fixed(value: float = 0.5) -> Threshold:
    """A threshold that nobody chose on data. Raises ConfigError outside [0, 1)."""
    if not 0 <= value < 1:
        raise ConfigError(f"A threshold is a probability from 0 to below 1; {value} is not.")
    return Threshold(value)


def choose(
    gold: npt.NDArray[np.bool_],
    probabilities: npt.NDArray[np.floating[Any]],
    *,
    metric: Literal["micro_f1", "macro_f1"] = "micro_f1",
    split: str = "validation",
) -> Threshold:
    """The threshold that maximises a measure; of equally good ones the highest, which accepts least.

    gold, probabilities: "note code". micro_f1 is searched exactly: every threshold that changes what is accepted is
    compared. macro_f1 (the mean of the codes' F1) is compared at quantiles of the gold codes' probabilities.
    Raises ConfigError for the test split, on which nothing may be chosen, and for an unknown metric; InputError for
    matrices of unlike shapes, without a gold code, or with values that are no probabilities.
    """
    if split not in ALLOWED:
        why = "nothing may be chosen on test notes" if split == "test" else "there is no such part"
        raise ConfigError(f"A threshold is chosen on validation notes, not on {split!r}: {why}.")
    if metric not in METRICS:
        known = list(METRICS)
        raise ConfigError(f"A threshold cannot be chosen for {metric!r}.{did_you_mean(metric, known)} Known: {known}.")
    gold = np.asarray(gold, dtype=np.bool_)
    _check(gold, probabilities)
    search = _best_micro if metric == "micro_f1" else _best_macro
    value, score = search(gold, probabilities)
    warning = collapse(probabilities > value)
    return Threshold(value, METRICS[metric], score, split, (warning,) if warning else ())


def decided(
    gold: npt.NDArray[np.bool_],
    probabilities: npt.NDArray[np.floating[Any]],
    *,
    metric: Literal["micro_f1", "macro_f1"],
    given: float | None,
) -> Threshold:
    """The threshold that is given, or else the one that is best on these validation notes."""
    return choose(gold, probabilities, metric=metric) if given is None else fixed(given)


def collapse(accepted: npt.NDArray[np.bool_]) -> str | None:
    """A sentence where a decision says nothing of the notes: none or all accepted, or the same codes for all."""
    taken = np.count_nonzero(accepted)
    if taken == 0:
        return "No code is accepted for any note."
    if taken == accepted.size:
        return "Every code is accepted for every note; the probabilities tell nothing apart."
    if len(accepted) > 1 and bool((accepted == accepted[0]).all()):
        return f"Every note gets the same codes ({np.count_nonzero(accepted[0])} of {accepted.shape[1]})."
    return None


def _check(gold: npt.NDArray[np.bool_], probabilities: npt.NDArray[np.floating[Any]]) -> None:
    if gold.ndim != 2 or gold.shape != probabilities.shape:
        raise InputError(f"The gold matrix is note × code {gold.shape}, the probabilities are {probabilities.shape}.")
    if not gold.any():
        raise InputError("No note has a gold code, so no threshold can be chosen.")
    if not (probabilities.min() >= 0 and probabilities.max() <= 1):
        raise InputError("A threshold is chosen on probabilities; some values are NaN or lie outside [0, 1].")


def _best_micro(gold: npt.NDArray[np.bool_], probabilities: npt.NDArray[np.floating[Any]]) -> tuple[float, float]:
    """F1 = 2·correct / (accepted + gold pairs). Lowering the threshold past a pair that is not gold only adds an
    error, so the best one lies between some gold pair's probability and the next lower one."""
    ordered = np.sort(probabilities, axis=None)
    hits = np.sort(probabilities[gold])
    candidates, first = np.unique(hits, return_index=True)
    candidates, first = candidates[candidates > 0], first[candidates > 0]
    if not len(candidates):
        return 0.0, 0.0
    below = np.searchsorted(ordered, candidates, "left")
    f1 = 2 * (len(hits) - first) / (ordered.size - below + len(hits))
    best = len(f1) - 1 - int(np.argmax(f1[::-1]))
    lower = float(ordered[below[best] - 1]) if below[best] else 0.0
    return _between(lower, float(candidates[best]), ordered.dtype), float(f1[best])


def _between(lower: float, upper: float, precision: np.dtype[Any]) -> float:
    """A value v of the probabilities' precision with lower ≤ v < upper: the middle, unless it rounds to upper.

    A prediction is compared in that precision, where a finer middle of two neighbours would round to one of them.
    """
    middle = float(precision.type((lower + upper) / 2))
    return middle if middle < upper else lower


def _best_macro(gold: npt.NDArray[np.bool_], probabilities: npt.NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Counts per code above every grid value, from one histogram of all pairs."""
    hits = probabilities[gold]
    quantiles = np.quantile(hits, np.linspace(0, 1, GRID), method="lower").astype(hits.dtype)
    grid = np.unique(np.nextafter(quantiles, hits.dtype.type(0)))
    codes, steps = gold.shape[1], len(grid) + 1
    accepted = np.zeros(codes * steps, dtype=np.int64)
    correct = np.zeros(codes * steps, dtype=np.int64)
    for start in range(0, len(gold), ROWS):
        part, truth = probabilities[start : start + ROWS], gold[start : start + ROWS]
        # How many grid values a probability passes: a pair is accepted at grid value i where that is more than i.
        cell = np.searchsorted(grid, part, "left") + np.arange(codes) * steps
        accepted += np.bincount(cell.reshape(-1), minlength=codes * steps)
        correct += np.bincount(cell[truth], minlength=codes * steps)
    accepted, correct = (_passing(counts.reshape(codes, steps)) for counts in (accepted, correct))
    size = accepted + gold.sum(axis=0)[:, None]
    f1 = np.divide(2 * correct, size, out=np.zeros(size.shape), where=size > 0).mean(axis=0)
    best = len(f1) - 1 - int(np.argmax(f1[::-1]))
    return float(grid[best]), float(f1[best])


def _passing(histogram: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """ "code step" → "code grid": how many lie in the steps above each grid value."""
    return histogram[:, :0:-1].cumsum(axis=1)[:, ::-1]
