"""Batch normalisation whose statistics count real tokens only."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class TokenBatchNorm(nn.Module):
    """Batch normalisation (Ioffe and Szegedy 2015) over the real tokens of all notes of the batch.

    In training, mean and variance come from real tokens, and states at padding are exactly zero; a batch with fewer
    than two real tokens has no variance and is normalised with the running statistics. In evaluation, the running
    statistics are used; states at padding are of no meaning.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(
        self, states: Float[Tensor, "note token width"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token width"]:
        flat = states.flatten(0, 1)
        if not self.training:
            return self.norm(flat).view_as(states)
        real = mask.flatten().nonzero().squeeze(1)
        if len(real) == len(flat) > 1:
            return self.norm(flat).view_as(states)
        if len(real) < 2:
            norm = self.norm
            flat = nn.functional.batch_norm(flat, norm.running_mean, norm.running_var, norm.weight, norm.bias)
            return flat.view_as(states).masked_fill(~mask[..., None], 0.0)
        normal = self.norm(flat.index_select(0, real))
        return _Placed.apply(normal.to(flat.dtype), real, len(flat)).view_as(states)


class _Placed(torch.autograd.Function):
    """`apply(rows, places, count)` → `count` rows, zero but for the given ones; `index_copy` would keep these."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, places: Tensor, count: int) -> Tensor:
        ctx.save_for_backward(places)
        return rows.new_zeros(count, rows.shape[1]).index_copy_(0, places, rows)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return gradient.index_select(0, *ctx.saved_tensors), None, None
