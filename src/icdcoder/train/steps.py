"""One step of training: forward and backward over the batches of the step, then one update of the weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor, nn

from icdcoder.nn.batching import TokenisedNotes, training_batches
from icdcoder.nn.contract import Batch, Scores
from icdcoder.train import optimiser as optimisers
from icdcoder.train.config import TrainConfig

if TYPE_CHECKING:
    from accelerate import Accelerator

Indices = npt.NDArray[np.int64]
Loss = Callable[[Scores, Batch], Tensor]


def binary_cross_entropy(scores: Scores, batch: Batch) -> Float[Tensor, ""]:
    """Mean over notes and codes of the cross entropy between sigmoid(logits) and gold."""
    assert batch.targets is not None
    return nn.functional.binary_cross_entropy_with_logits(scores.logits.float(), batch.targets)


def steps_of_epoch(lengths: Indices, config: TrainConfig, epoch: int) -> list[list[Indices]]:
    """For each step of an epoch its batches, as indices of notes; the same for the same (seed, epoch)."""
    if config.whole_batches:
        # Fewer notes than one batch are trained on as they are: something has to be.
        lengths = lengths[: len(lengths) // config.batch_size * config.batch_size or len(lengths)]
    batches = training_batches(lengths, config.batch_size, seed=config.seed, epoch=epoch)
    size = config.gradient_accumulation
    alone = 1 if config.first_batch_alone else 0
    rest = [batches[i : i + size] for i in range(alone, len(batches), size)]
    return [batches[:1], *rest] if alone else rest


def schedule_length(lengths: Indices, config: TrainConfig) -> int:
    """In how many steps the learning rate comes to its end."""
    steps = steps_of_epoch(lengths, config, 1)
    return config.epochs * (len(steps) if config.schedule_over == "steps" else sum(len(step) for step in steps))


class Stepper:
    """Holds model, optimiser and schedule, as Accelerate prepared them, and makes one step at a time.

    A step of several batches, or one shared by several processes, has the gradient of one batch of all its notes:
    each part counts by its number of notes. Each process computes every n-th note of a batch, so that all have
    notes of like length.
    """

    def __init__(
        self, accelerator: Accelerator, model: nn.Module, notes: TokenisedNotes, config: TrainConfig, loss: Loss
    ) -> None:
        self.accelerator = accelerator
        self.module = model.to(accelerator.device)
        self.notes = notes
        self.loss = loss
        self.clip = config.gradient_clip
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.plain_optimiser = optimisers.build(
            config.optimiser,
            self.parameters,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            epsilon=config.adam_epsilon,
        )
        self.full_step = config.gradient_accumulation * config.batch_size if config.first_batch_alone else 0
        self.schedule = optimisers.schedule(
            self.plain_optimiser,
            config.schedule,
            warmup_steps=config.warmup_steps,
            total_steps=schedule_length(notes.lengths, config),
        )
        self.model = accelerator.prepare_model(model)
        # Only the scaled losses of fp16 need Accelerate's wrapper, which looks for a package on the disk at each step.
        plain = accelerator.scaler is None
        self.optimiser = self.plain_optimiser if plain else accelerator.prepare_optimizer(self.plain_optimiser)

    def step(self, batches: Sequence[Indices]) -> Tensor:
        """Makes one step. Returns this process's share of its mean loss, on the device; the shares add up to it."""
        notes = sum(len(batch) for batch in batches)
        total = max(notes, self.full_step)
        shares = []
        for batch in batches[:-1]:
            with self.accelerator.no_sync(self.model):
                shares.append(self._backward(batch, total))
        shares.append(self._backward(batches[-1], total))
        if self.clip is not None:
            self.accelerator.clip_grad_norm_(self.parameters, self.clip)
        self.optimiser.step()
        self.optimiser.zero_grad()
        if not getattr(self.optimiser, "step_was_skipped", False):  # fp16 skips steps while it looks for its scale
            self.schedule.step()
        return torch.stack(shares).sum() * (total / notes)

    @property
    def learning_rate(self) -> float:
        return float(self.schedule.get_last_lr()[0])

    def state(self) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
        """(tensors by file and name, plain data): all that `load_state` needs."""
        tensors, groups = optimisers.state_to_tensors(self.plain_optimiser)
        scaler = self.accelerator.scaler
        plain = {
            "groups": groups,
            "schedule": self.schedule.state_dict(),
            "scaler": None if scaler is None else scaler.state_dict(),
        }
        return {"model": self.module.state_dict(), "optimiser": tensors}, plain

    def load_state(self, tensors: Mapping[str, Mapping[str, Tensor]], plain: Mapping[str, Any]) -> None:
        self.module.load_state_dict(tensors["model"])
        optimisers.load_state(self.plain_optimiser, tensors["optimiser"], plain["groups"])
        self.schedule.load_state_dict(plain["schedule"])
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(plain["scaler"])

    def _backward(self, batch: Indices, total: int) -> Tensor:
        processes = self.accelerator.num_processes
        own = batch[self.accelerator.process_index :: processes]
        # A process without a note computes one for nothing: all must take part in adding the gradients up.
        padded = self.notes.batch(own if len(own) else batch[:1]).to(self.accelerator.device)
        scores = self.model(padded)
        loss = self.loss(scores, padded)
        if scores.penalty is not None:
            loss = loss + scores.penalty
        share = loss * (len(own) / total)
        # Gradients are averaged over processes, where the shares want a sum.
        self.accelerator.backward(share * processes if processes > 1 else share)
        return share.detach()
