"""A result that depends on weights alone is computed once while they stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import torch
from torch import Tensor

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Remembers the last result without gradients. A step of the optimiser, loaded weights, another device or another
    precision make it compute anew; so does every call with gradients."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._value: Value | None = None

    def __call__(self, compute: Callable[[], Value], weights: Iterable[Tensor]) -> Value:
        """compute() depends on nothing that changes but the weights."""
        if torch.is_grad_enabled():
            return compute()
        key: tuple[object, ...] = (
            torch.is_inference_mode_enabled(),
            *(torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) for kind in ("cpu", "cuda")),
            *((weight.data_ptr(), weight.device, weight.dtype, weight._version) for weight in weights),
        )
        if self._value is None or key != self._key:
            self._key, self._value = key, compute()
        return self._value

    def forget(self) -> None:
        """Frees the memory of the result."""
        self._key = self._value = None
