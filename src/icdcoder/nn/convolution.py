"""Convolutions over tokens that see zeros past the end of a note, whatever the batch is padded to."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class TokenConvolution(nn.Module):
    """Conv1d over tokens, as many positions out as in. Position t sees tokens t - k//2 … t - k//2 + k - 1.

    An even kernel has no middle; the position past the end that Conv1d would add to it is not computed.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)

    def forward(
        self, states: Float[Tensor, "note token inputs"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token outputs"]:
        states = states * mask[:, :, None]
        return self.convolution(states.transpose(1, 2)).transpose(1, 2)[:, : states.shape[1]]


class TokenBatchNorm(nn.Module):
    """Batch normalisation whose statistics are those of real tokens only."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(
        self, states: Float[Tensor, "note token width"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token width"]:
        result = torch.zeros_like(states)
        real = states[mask]
        # One token has no variance to normalise by; it passes with the running statistics.
        if self.training and len(real) < 2:
            return states * mask[:, :, None]
        result[mask] = self.norm(real).to(result.dtype)
        return result
