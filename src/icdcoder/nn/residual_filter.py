"""One filter width of MultiResCNN (Li and Yu 2020, arXiv 1912.00862), between any two widths of states.

States at padding are zero from each step to the next, so that a convolution needs no masked copy of what it reads: in a
step of training, copies would take half of the memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from icdcoder.nn.convolution import TokenConvolution
from icdcoder.nn.dropout import TanhDropout
from icdcoder.nn.normalisation import TokenBatchNorm


def side_by_side(
    filters: Iterable[nn.Module], states: Float[Tensor, "note token states"], mask: Bool[Tensor, "note token"]
) -> Float[Tensor, "note token hidden"]:
    """What each ResidualFilter makes of the same states, one behind the other.

    Padding is cleared, and under autocast the type is changed, for all at once: each filter keeps what it reads.
    """
    states = states.masked_fill(~mask[..., None], 0.0)
    if torch.is_autocast_enabled(states.device.type):
        states = states.to(torch.get_autocast_dtype(states.device.type))
    return torch.cat([one(states, mask, cleared=True) for one in filters], 2)


class ResidualFilter(nn.Module):
    """H = tanh(Conv_k(X)) of `width` filters, then residual blocks of the widths in `blocks`. kernel: odd. bias: of the
    first convolution; without it, that convolution begins as torch draws it."""

    def __init__(
        self, states: int, width: int, kernel: int, blocks: Sequence[int], dropout: float, *, bias: bool = True
    ) -> None:
        super().__init__()
        self.convolution = TokenConvolution(states, width, kernel, bias)
        if bias:
            nn.init.xavier_uniform_(self.convolution.convolution.weight)
        widths = (width, *blocks)
        self.blocks = nn.ModuleList(
            ResidualBlock(before, filters, kernel, dropout) for before, filters in zip(widths, blocks, strict=False)
        )

    def forward(
        self, states: Float[Tensor, "note token states"], mask: Bool[Tensor, "note token"], *, cleared: bool = False
    ) -> Float[Tensor, "note token hidden"]:
        """cleared: states are zero at padding."""
        padding = ~mask[..., None]
        found = torch.tanh(self.convolution(states, None if cleared else mask).masked_fill(padding, 0.0))
        for number, block in enumerate(self.blocks):
            if number and not self.training:
                found = found.masked_fill(padding, 0.0)
            found = block(found, mask)
        return found


class ResidualBlock(nn.Module):
    """R = dropout(tanh(BN(Conv_k(tanh(BN(Conv_k(X))))) + BN(Conv_1(X)))); X is zero at padding, R is so in training."""

    def __init__(self, width: int, filters: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.first = TokenConvolution(width, filters, kernel, bias=False)
        self.first_norm = TokenBatchNorm(filters)
        self.second = TokenConvolution(filters, filters, kernel, bias=False)
        self.second_norm = TokenBatchNorm(filters)
        self.shortcut = TokenConvolution(width, filters, 1, bias=False)
        self.shortcut_norm = TokenBatchNorm(filters)
        self.tanh_dropout = TanhDropout(dropout)

    def forward(
        self, states: Float[Tensor, "note token width"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token filters"]:
        left = torch.tanh(self.first_norm(self.first(states, None), mask))
        # Batch normalisation clears padding in training only.
        left = self.second_norm(self.second(left, None if self.training else mask), mask)
        return self.tanh_dropout(left + self.shortcut_norm(self.shortcut(states, None), mask))
