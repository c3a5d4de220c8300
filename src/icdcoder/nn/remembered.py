"""A result that depends on weights alone is computed once while they stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor


class Remembered:
    """Remembers the last result without gradients. A step of the optimiser, loaded weights, another device or another
    precision make it compute anew; so does every call with gradients."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._value: Tensor | None = None

    def __call__(self, compute: Callable[[], Tensor], weights: Iterable[Tensor]) -> Tensor:
        """compute() depends on nothing that changes but the weights."""
        if torch.is_grad_enabled():
            return compute()
        key: tuple[object, ...] = (
            torch.is_inference_mode_enabled(),
            torch.is_autocast_enabled(),
            *((weight.data_ptr(), weight.device, weight.dtype, weight._version) for weight in weights),
        )
        if self._value is None or key != self._key:
            self._key, self._value = key, compute()
        return self._value
