"""Where a model that only scores is put: on the accelerator, if this machine has one."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def to_accelerator(model: M) -> M:
    """The same model, moved where torch finds an accelerator, else left where it is."""
    if not torch.accelerator.is_available():
        return model
    return model.to(torch.accelerator.current_accelerator())


def device_of(model: object) -> torch.device:
    """Where the first of its weights is; the CPU for what has none."""
    parameter = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    return torch.device("cpu") if parameter is None else parameter.device
