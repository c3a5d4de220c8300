"""Convolution along a note that sees nothing but zeros beyond the note's ends, padded or not."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear


class TokenConvolution(nn.Module):
    """One state a token: the state of token t reads tokens t − ⌊kernel/2⌋ … t + ⌈kernel/2⌉ − 1 of the same note.

    The input is set to zero where the mask is False, so that padding changes no real token's state; states at padding
    are of no meaning. Weights are those of a torch.nn.Conv1d of the same sizes.

    trailing: for an even kernel, keep the state that padding by kernel/2 on both sides yields one past the last
    position ("token+1" states in all).
    """

    def __init__(self, width: int, filters: int, kernel: int, bias: bool = True, trailing: bool = False) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(width, filters, kernel, padding=kernel // 2, bias=bias)
        self.trailing = trailing and kernel % 2 == 0

    def forward(
        self, states: Float[Tensor, "note token width"], mask: Bool[Tensor, "note token"] | None
    ) -> Float[Tensor, "note position filters"]:
        """mask: None where states are known to be zero at padding, which saves a copy that the backward pass keeps."""
        tokens, layer = states.shape[1], self.convolution
        if mask is not None:
            states = states.masked_fill(~mask[..., None], 0.0)
        if layer.kernel_size[0] == 1:
            return linear(states, layer.weight.squeeze(2), layer.bias)
        states = states.transpose(1, 2)
        if states.device.type == "cpu":
            # In two dimensions, "note token width" is the channels-last layout: nothing is copied, 1.3 × faster.
            weight = layer.weight.unsqueeze(2)
            found = conv2d(states.unsqueeze(2), weight, layer.bias, padding=(0, layer.kernel_size[0] // 2)).squeeze(2)
        else:
            found = layer(states)
        return found.transpose(1, 2)[:, : tokens + self.trailing]


def with_trailing(mask: Bool[Tensor, "note token"]) -> Bool[Tensor, "note token+1"]:
    """The mask of states with a trailing one: the position past the last token of a note is real; a note without
    tokens has none."""
    return torch.cat([mask[:, :1], mask], 1)


def without_trailing(
    mask: Bool[Tensor, "note token"], attention: Float[Tensor, "note asked token+1"]
) -> Float[Tensor, "note asked token"]:
    """Moves what the position past the last token of each note got to the last token, where its window ends."""
    trailing = mask.sum(1)[:, None, None].expand(-1, attention.shape[1], 1)
    moved = attention.gather(2, trailing)
    attention = attention.scatter(2, trailing, 0.0)[..., :-1]
    return attention.scatter_add(2, (trailing - 1).clamp(min=0), moved)
