"""Probabilities of every code for every note: the one loop by which validation, thresholds and predictors score."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor, nn

from icdcoder.core.errors import InputError
from icdcoder.core.progress import SILENT, Progress
from icdcoder.nn.batching import TokenisedNotes, scoring_batches
from icdcoder.nn.contract import Batch, CodingModel
from icdcoder.nn.placement import device_of


def probabilities(
    model: CodingModel | nn.Module,
    notes: TokenisedNotes,
    batch_size: int,
    device: torch.device | str | None = None,
    progress: Progress = SILENT,
    *,
    across_processes: bool = False,
) -> npt.NDArray[np.float32]:
    """Matrix "note code" of sigmoid(logits), rows in the order of `notes`.

    The model runs without dropout and gradients, and is left in the mode it was in. Long notes come first.

    batch_size: notes scored together.
    device: where the model is; None asks its parameters.
    across_processes: in a distributed run, each process scores a part and all get the whole matrix; then every
        process must call this. The batches are those of a single process, so the scores are too.

    Raises InputError where the model scores another number of codes than the notes are labelled with.
    """
    device = device_of(model) if device is None else torch.device(device)
    rank, processes = _place(across_processes)
    unlabelled = TokenisedNotes(notes.tokens, notes.codes, channels=notes.channels)
    matrix = np.zeros((len(notes), notes.codes), dtype=np.float32)
    with scoring_mode(model), progress.track("score", total=len(notes)) as step:
        for number, indices in enumerate(scoring_batches(notes.lengths, batch_size)):
            if number % processes == rank:
                logits = model(unlabelled.batch(indices).to(device)).logits
                if logits.shape[1] != notes.codes:
                    raise InputError(f"The model scores {logits.shape[1]} codes, the label space has {notes.codes}.")
                matrix[indices] = torch.sigmoid(logits.float()).cpu().numpy()
            step(len(indices))
    return _summed(matrix, device) if processes > 1 else matrix


@runtime_checkable
class WritesAnswers(Protocol):
    """A model that is trained to write its codes, and can say how likely it finds the answers of a batch."""

    @property
    def writes(self) -> bool: ...

    def answer_loss(self, batch: Batch) -> Float[Tensor, ""]: ...


def answer_losses(model: CodingModel | nn.Module, notes: TokenisedNotes, batch_size: int) -> dict[str, float]:
    """{"answer_loss": the mean over notes with gold codes}; nothing of a model that writes no answers."""
    if not isinstance(model, WritesAnswers) or not model.writes or notes.gold is None:
        return {}
    device, total = device_of(model), 0.0
    with scoring_mode(model):
        for indices in scoring_batches(notes.lengths, batch_size):
            total += float(model.answer_loss(notes.batch(indices).to(device))) * len(indices)
    return {"answer_loss": total / max(1, len(notes))}


@contextmanager
def scoring_mode(model: CodingModel | nn.Module) -> Iterator[None]:
    """No dropout, no gradients; afterwards every submodule is in the mode it was in, also one frozen in eval."""
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    training = [module.training for module in modules]
    try:
        for module in modules:
            module.training = False
        with torch.inference_mode():
            yield
    finally:
        for module, was_training in zip(modules, training, strict=True):
            module.training = was_training


def _place(across_processes: bool) -> tuple[int, int]:
    """(this process, number of processes) that share the work."""
    if across_processes and torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


def _summed(matrix: npt.NDArray[np.float32], device: torch.device) -> npt.NDArray[np.float32]:
    # Each row is zero in all processes but one, so that the sum is exact.
    whole = torch.from_numpy(matrix).to(device)
    torch.distributed.all_reduce(whole)
    return whole.cpu().numpy()
