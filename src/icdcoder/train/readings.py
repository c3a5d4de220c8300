"""Losses that were not looked at yet. Reading one makes the program wait for an accelerator, so it is done in groups;
no loss is passed over, and one that is no number is traced to its step and its notes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from icdcoder.train import processes
from icdcoder.train.steps import Indices
from icdcoder.train.stopping import TrainingStoppedError

if TYPE_CHECKING:
    from accelerate import Accelerator

STEPS_BETWEEN = {"cpu": 1}
STEPS_BETWEEN_ON_ACCELERATORS = 8
NOTES_NAMED = 20


@dataclass(slots=True)
class Readings:
    """ids: names of the notes, for error messages. waiting: (step, its batches, this process's share of its loss)."""

    accelerator: Accelerator
    ids: Sequence[str] | None = None
    waiting: list[tuple[int, list[Indices], Tensor]] = field(default_factory=list)

    def add(self, step: int, batches: list[Indices], share: Tensor) -> None:
        self.waiting.append((step, batches, share))

    @property
    def due(self) -> bool:
        """Whether as many wait as should. All processes agree on it."""
        most = STEPS_BETWEEN.get(self.accelerator.device.type, STEPS_BETWEEN_ON_ACCELERATORS)
        return len(self.waiting) >= most

    def read(self, told_to_stop: bool) -> tuple[list[tuple[float, int]], bool]:
        """([(mean loss of a step, its notes), …], whether any process was told to stop).

        Raises TrainingStoppedError at a loss that is no number.
        """
        shares = [share for _, _, share in self.waiting]
        flag = torch.full((), float(told_to_stop), device=shares[0].device)
        *losses, told = processes.summed(self.accelerator, torch.stack([*shares, flag])).tolist()
        result = []
        for (step, batches, _), loss in zip(self.waiting, losses, strict=True):
            if not math.isfinite(loss):
                raise TrainingStoppedError(
                    f"Training diverged: the loss is {loss} at step {step}, with {self._names(batches)}. {WAY_OUT}"
                )
            result.append((loss, sum(len(batch) for batch in batches)))
        self.waiting.clear()
        return result, told > 0

    def _names(self, batches: list[Indices]) -> str:
        indices = [int(i) for batch in batches for i in batch]
        names = [f"{i}" if self.ids is None else self.ids[i] for i in indices[:NOTES_NAMED]]
        more = f" and {len(indices) - NOTES_NAMED} more" if len(indices) > NOTES_NAMED else ""
        return f"the training notes {', '.join(names)}{more}"


WAY_OUT = (
    "The last checkpoint, from before, is kept. Lower train.learning_rate, set train.gradient_clip or "
    "train.warmup_steps, or use train.precision = 'no', and begin anew (--fresh)."
)


def require_finite(model: nn.Module, step: int) -> None:
    """Raises TrainingStoppedError where a weight is no number: the loss shows it only one step later."""
    finite = [torch.isfinite(parameter).all() for parameter in model.parameters()]
    if finite and not torch.stack(finite).all().item():
        raise TrainingStoppedError(f"Training diverged: a weight is no number after step {step}. {WAY_OUT}")
