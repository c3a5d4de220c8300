"""Where torch has one fused kernel on a GPU and many operations on a CPU, the rehearsal takes the fused one.

- Recurrences over packed sequences: a CPU reads them step by step, in tens of thousands of operations that would take
  minutes to rehearse and cost in FLOPs what the fused kernel costs.
- Attention with dropout: a CPU writes out the weights of every pair of tokens, a GPU keeps the seed of the dropout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

GATES = {"gru": 3, "lstm": 4}
Count = Callable[[int, int, int], None]


class Detours(TorchFunctionMode):
    """count: told the FLOPs, the bytes of traffic and the bits of each recurrence and of its backward pass."""

    def __init__(self, count: Count) -> None:
        super().__init__()
        self.count = count

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kind = getattr(func, "__name__", "")
        if kind == "scaled_dot_product_attention" and kwargs and kwargs.get("dropout_p"):
            return func(*args, **{**kwargs, "dropout_p": 0.0})
        packed = kind in GATES and len(args) == 9 and isinstance(args[1], Tensor) and not args[1].is_floating_point()
        if not packed or kwargs:
            return func(*args, **(kwargs or {}))
        states, _, start, weights, *_, bidirectional = args
        first = start[0] if kind == "lstm" else start
        hidden, directions = first.shape[-1], 1 + bool(bidirectional)
        found = _Recurrence.apply(self.count, GATES[kind], directions * hidden, first, states, *weights)
        return (found[0], found[1], torch.empty_like(found[1])) if kind == "lstm" else found


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, count: Count, gates: int, width: int, start: Tensor, states: Tensor, *weights: Tensor) -> Any:
        out = states.new_empty(len(states), width)
        kept = states.new_empty(len(states), gates * width)  # the gates of each token, for the backward pass
        ctx.save_for_backward(states, out, kept, *weights)
        products = sum(weight.numel() for weight in weights if weight.ndim == 2)
        ctx.count, ctx.flops = count, 2 * len(states) * products
        ctx.traffic = states.element_size() * (states.numel() + out.numel() + kept.numel() + products)
        ctx.bits = 8 * states.element_size()
        count(ctx.flops, ctx.traffic, ctx.bits)
        return out, torch.empty_like(start)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        states, _, _, *weights = ctx.saved_tensors
        ctx.count(2 * ctx.flops, 2 * ctx.traffic, ctx.bits)
        return (None, None, None, None, torch.empty_like(states), *(torch.empty_like(weight) for weight in weights))
