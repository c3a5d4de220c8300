"""Optimisers, schedules of the learning rate, and the optimiser's state as plain tensors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

OptimiserName = Literal["adam", "adamw"]
ScheduleName = Literal["constant", "linear", "cosine"]

FUSED_ON = ("cpu", "cuda", "mps", "xpu")


def build(
    name: OptimiserName,
    parameters: Iterable[nn.Parameter],
    *,
    learning_rate: float,
    weight_decay: float = 0.0,
    epsilon: float = 1e-8,
) -> Optimizer:
    """Adam (Kingma & Ba 2015) or AdamW over the parameters that are trained, fused where their device can.

    They should be on that device already.

    Vectors and scalars (biases, normalisation weights) are in a group of their own, without weight decay.
    """
    trained = [p for p in parameters if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    fused = all(p.is_floating_point() and p.device.type in FUSED_ON for p in trained)
    return {"adam": Adam, "adamw": AdamW}[name](groups, lr=learning_rate, eps=epsilon, fused=fused)


def schedule(optimiser: Optimizer, name: ScheduleName, *, warmup_steps: int, total_steps: int) -> LambdaLR:
    """Multiplies the learning rate by `factor`; call `.step()` after each step of the optimiser."""
    return LambdaLR(optimiser, lambda step: factor(name, step, warmup_steps, total_steps))


def factor(name: ScheduleName, step: int, warmup_steps: int, total_steps: int) -> float:
    """Share of the full learning rate for the step with this 0-based number, in [0, 1].

    It rises linearly through the warm-up, whose first step is not idle, and falls to 0 just after the last step.
    """
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    if name == "constant":
        return 1.0
    done = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    return 1.0 - done if name == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))


def state_to_tensors(optimiser: Optimizer) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """The optimiser's state as tensors named "parameter.moment", and its groups as plain data, ready for JSON."""
    state = optimiser.state_dict()
    tensors = {
        f"{parameter}.{name}": torch.as_tensor(value)
        for parameter, moments in state["state"].items()
        for name, value in moments.items()
    }
    return tensors, state["param_groups"]


def load_state(optimiser: Optimizer, tensors: Mapping[str, Tensor], groups: list[dict[str, Any]]) -> None:
    """Puts back what `state_to_tensors` gave; the parameters must be the same, in the same order."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        parameter, _, name = key.partition(".")
        # A copy, as a tensor read from a file may be a view of that file, and the step is made in place.
        state.setdefault(int(parameter), {})[name] = value.clone()
    groups = [{**group, "betas": tuple(group["betas"])} for group in groups]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
