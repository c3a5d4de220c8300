"""The plan of a configuration: parameters, memory, arithmetic and time, before anything is loaded.

One step of training and one batch of scoring are rehearsed (`rehearsal`), with notes of the greatest length for the
memory and of the mean length for the time. Of a step of training, with w bytes of weights,

    weights        w, as they are kept (bf16 or quantised where the configuration says so)
    gradients      one number a trained weight
    optimiser      two float32 a trained weight (Adam's means of gradients and of their squares)
    activations    what the forward pass keeps for the backward pass
    most at once   weights + optimiser + the most that forward and backward pass hold at one time, gradients included

The peak is that of the tensors. A GPU needs up to 1 GB beside them for its context and its libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

import torch
from torch import nn
from torch._subclasses.fake_tensor import DynamicOutputShapeException, UnsupportedOperatorException

from icdcoder.core.errors import ConfigError
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.planning.hardware import Hardware
from icdcoder.experiment.planning.rehearsal import Operation, empty, rehearsing
from icdcoder.experiment.planning.subject import SHALLOW, Sizes, Subject, subject
from icdcoder.nn.contract import Batch, channels_of
from icdcoder.nn.pretrained.quantised import StandIn
from icdcoder.train.steps import binary_cross_entropy

# Codes of a stand-in note; MIMIC-III has 16 a note.
GOLD = 16
CONTEXT = 10**9
NOTES_SCORED_AT_LEAST = 8


@dataclass(frozen=True)
class Memory:
    """Bytes. peak: the most at once, `rest` included: weights, and while training the optimiser's state."""

    weights: int
    gradients: int
    optimiser: int
    activations: int
    peak: int


@dataclass(frozen=True)
class Work:
    """notes: in the batch that was rehearsed. parts: operations, and how many times they are done."""

    notes: int
    parts: tuple[tuple[int, Sequence[Operation]], ...]

    @property
    def flops_a_note(self) -> float:
        return sum(times * sum(one.flops for one in operations) for times, operations in self.parts) / self.notes

    def notes_a_second(self, hardware: Hardware) -> float:
        spent = 0.0
        for times, operations in self.parts:
            spent += times * sum(hardware.seconds(one.flops, one.traffic, one.bits) for one in operations)
        return self.notes / spent


Rehearse = Callable[[nn.Module], tuple[Memory, Work]]


@dataclass(frozen=True)
class Plan:
    """batch_size: notes that are trained together; scored_together: notes in validation."""

    name: str
    kind: str
    sizes: Sizes
    parameters: int
    trained: int
    batch_size: int
    scored_together: int
    training: Memory
    scoring: Memory
    training_work: Work
    scoring_work: Work
    assumed: tuple[str, ...]

    def fits(self, hardware: Hardware) -> bool:
        return max(self.training.peak, self.scoring.peak) + CONTEXT <= hardware.memory


def plan(experiment: Experiment, *, codes: int | None = None, tokens: int | None = None) -> Plan:
    """Raises ConfigError; see `subject`."""
    planned = subject(experiment, codes=codes, tokens=tokens)
    train = experiment.train
    assert train is not None
    channels, sizes = channels_of(planned.models[0]), planned.sizes
    scored = max(NOTES_SCORED_AT_LEAST, train.batch_size)
    mean = round(sizes.mean)
    half = train.precision != "no"

    def training(tokens: int, accumulated: bool) -> Rehearse:
        batch = _batch(channels, sizes, train.batch_size, tokens)
        return lambda module: step_memory(module, batch, half=half, accumulated=accumulated)

    def scoring(tokens: int) -> Rehearse:
        batch = _batch(channels, sizes, scored, tokens, gold=False)
        return lambda module: scoring_memory(module, batch, half=half)

    trained, training_work = _of(planned, training(sizes.longest, train.gradient_accumulation > 1))
    scores, scoring_work = _of(planned, scoring(sizes.longest))
    if mean != sizes.longest:
        training_work = _of(planned, training(mean, False))[1]
        scoring_work = _of(planned, scoring(mean))[1]
    return Plan(
        name=experiment.name,
        kind=experiment.model_kind,
        sizes=sizes,
        parameters=_count(planned, _parameters),
        trained=_count(planned, _trained),
        batch_size=train.batch_size,
        scored_together=scored,
        training=trained,
        scoring=scores,
        training_work=training_work,
        scoring_work=scoring_work,
        assumed=planned.assumed,
    )


def step_memory(
    model: nn.Module, batch: Batch, *, half: bool = False, accumulated: bool = False
) -> tuple[Memory, Work]:
    """What one step of training an `emptied` model on a batch will hold and do. accumulated: the gradients of an
    earlier batch of the step are there already. half: in mixed precision."""
    model.train()
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in trained:
        weight.grad = empty(*weight.shape, dtype=weight.dtype) if accumulated else None
    with rehearsing() as found:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            scores = model(batch)
        loss = binary_cross_entropy(scores, batch)
        if scores.penalty is not None:
            loss = loss + scores.penalty
        del scores
        kept = found.alive
        loss.backward()
    gradients = sum(weight.grad.nbytes for weight in trained if weight.grad is not None)
    for weight in trained:
        weight.grad = None
    weights, optimiser = _bytes(model), sum(8 * weight.numel() for weight in trained)
    peak = weights + optimiser + found.peak + (gradients if accumulated else 0)
    return Memory(weights, gradients, optimiser, kept, peak), Work(len(batch.tokens), ((1, found.operations),))


def scoring_memory(model: nn.Module, batch: Batch, *, half: bool = False) -> tuple[Memory, Work]:
    """The same of scoring a batch, as validation in training does it."""
    model.eval()
    weights = _bytes(model)
    # Not inference_mode: there, torch would show the layers whole and not what they are made of.
    with rehearsing() as found, torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        model(batch)
    return Memory(weights, 0, 0, 0, weights + found.peak), Work(len(batch.tokens), ((1, found.operations),))


def _of(planned: Subject, rehearse: Rehearse) -> tuple[Memory, Work]:
    """Rehearses the model; of a deep one, two shallow ones, and every further layer costs what the last one did."""
    try:
        found = [rehearse(model) for model in planned.models]
    except (DynamicOutputShapeException, UnsupportedOperatorException) as error:
        raise ConfigError(
            f"This model cannot be planned: how much it computes depends on what it has computed ({error})."
        ) from None
    if planned.depth is None:
        return found[0]
    (less, few), (more, many) = found
    further = planned.depth - SHALLOW[0]
    memory = Memory(*(a + further * (b - a) for a, b in zip(astuple(less), astuple(more), strict=True)))
    return memory, Work(few.notes, ((1 - further, few.parts[0][1]), (further, many.parts[0][1])))


def _count(planned: Subject, count: Callable[[nn.Module], int]) -> int:
    found = [count(model) for model in planned.models]
    return found[0] if planned.depth is None else found[0] + (planned.depth - SHALLOW[0]) * (found[1] - found[0])


def _parameters(model: nn.Module) -> int:
    packed = [part for part in model.modules() if isinstance(part, StandIn)]
    plain = sum(weight.numel() for weight in model.parameters())
    return plain + sum(part.weights - part.packed.numel() for part in packed)


def _trained(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def _batch(channels: Sequence[str], sizes: Sizes, notes: int, tokens: int, gold: bool = True) -> Batch:
    """Notes of one length, without padding."""
    read = torch.full((notes, tokens), 5)
    targets = torch.zeros(notes, sizes.codes)
    targets[:, :GOLD] = 1.0
    told = {name: torch.zeros(notes, tokens, dtype=torch.long) for name in channels}
    return Batch(read, torch.ones(notes, tokens, dtype=torch.bool), targets if gold else None, told)


def _bytes(model: nn.Module) -> int:
    tensors = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return sum(tensor.nbytes for tensor in tensors.values())
