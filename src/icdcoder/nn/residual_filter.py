"""One filter width of MultiResCNN (Li and Yu 2020, arXiv 1912.00862), between any two widths of states."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from icdcoder.nn.convolution import TokenConvolution
from icdcoder.nn.normalisation import TokenBatchNorm


class ResidualFilter(nn.Module):
    """H = tanh(Conv_k(X)) of `width` filters, then residual blocks of the widths in `blocks`. kernel: odd."""

    def __init__(self, states: int, width: int, kernel: int, blocks: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.convolution = TokenConvolution(states, width, kernel)
        nn.init.xavier_uniform_(self.convolution.convolution.weight)
        widths = (width, *blocks)
        self.blocks = nn.ModuleList(
            ResidualBlock(before, filters, kernel, dropout) for before, filters in zip(widths, blocks, strict=False)
        )

    def forward(
        self, states: Float[Tensor, "note token states"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token hidden"]:
        found = torch.tanh(self.convolution(states, mask))
        for block in self.blocks:
            found = block(found, mask)
        return found


class ResidualBlock(nn.Module):
    """R = dropout(tanh(BN(Conv_k(tanh(BN(Conv_k(X))))) + BN(Conv_1(X))))"""

    def __init__(self, width: int, filters: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.first = TokenConvolution(width, filters, kernel, bias=False)
        self.first_norm = TokenBatchNorm(filters)
        self.second = TokenConvolution(filters, filters, kernel, bias=False)
        self.second_norm = TokenBatchNorm(filters)
        self.shortcut = TokenConvolution(width, filters, 1, bias=False)
        self.shortcut_norm = TokenBatchNorm(filters)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, states: Float[Tensor, "note token width"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token filters"]:
        left = torch.tanh(self.first_norm(self.first(states, mask), mask))
        left = self.second_norm(self.second(left, mask), mask)
        right = self.shortcut_norm(self.shortcut(states, mask), mask)
        return self.dropout(torch.tanh(left + right))
