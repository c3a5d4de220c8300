"""The layers of torch's TransformerEncoder, computed so that attention with dropout holds no matrix of token pairs."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import linear

from icdcoder.nn.dropout import dropped
from icdcoder.nn.dropped_attention import self_attention


def transformed(
    encoder: nn.TransformerEncoder, states: Float[Tensor, "note token width"], mask: Bool[Tensor, "note token"]
) -> Float[Tensor, "note token width"]:
    """What `encoder(states, src_key_padding_mask=~mask)` is at real tokens; of no meaning at padding.

    encoder: of layers that normalise behind each part (Vaswani et al. 2017) and take batches first.
    """
    for layer in encoder.layers:
        assert isinstance(layer, nn.TransformerEncoderLayer)
        states = _layer(layer, states, mask)
    return states


def _layer(
    layer: nn.TransformerEncoderLayer, states: Float[Tensor, "note token width"], mask: Bool[Tensor, "note token"]
) -> Float[Tensor, "note token width"]:
    def drop(states: Tensor, dropout: nn.Dropout) -> Tensor:
        return dropped(states, dropout.p) if layer.training else states

    own = layer.self_attn
    parts = linear(states, own.in_proj_weight, own.in_proj_bias).unflatten(2, (3, own.num_heads, -1))
    queries, keys, values = parts.permute(2, 0, 3, 1, 4)
    read = self_attention(queries, keys, values, mask, own.dropout if layer.training else 0.0)
    read = own.out_proj(read.transpose(1, 2).flatten(2).to(states.dtype))
    states = layer.norm1(states + drop(read, layer.dropout1))
    inside = drop(torch.relu(layer.linear1(states)), layer.dropout)
    return layer.norm2(states + drop(layer.linear2(inside), layer.dropout2))
