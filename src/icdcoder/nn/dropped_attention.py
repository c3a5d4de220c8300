"""Self-attention whose weights are dropped out, without a matrix of every pair of tokens.

Torch's fused kernel for CPUs takes no dropout; with it, torch writes out weights, draws and products for every pair:
8 notes of 2,500 tokens and 8 heads are 400 million pairs a layer. For one head of one note, with queries q_i, keys k_j,
values v_j, and d_ij = 0 with the probability p, else 1 / (1 - p),

    α_ij = softmax_j(q_i · k_j / √width)        o_i = Σ_j d_ij α_ij v_j

and, with g_i the gradient that arrives at o_i and δ_i = g_i · o_i,

    ∂s_ij = α_ij (d_ij g_i · v_j - δ_i)         ∂v_j = Σ_i d_ij α_ij g_i
    ∂q_i = Σ_j ∂s_ij k_j / √width               ∂k_j = Σ_i ∂s_ij q_i / √width

Tiles lie as "key query", as in nn/tiled_scores.py; the backward pass makes α anew from the log-sum-exp of each query,
and the draws from their seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode

from icdcoder.nn.dropout import dropped, staying

TILE = 160_000  # pairs held at once: what a core keeps in its cache


def self_attention(
    queries: Float[Tensor, "note head token width"],
    keys: Float[Tensor, "note head token width"],
    values: Float[Tensor, "note head token width"],
    mask: Bool[Tensor, "note token"],
    dropout: float = 0.0,
) -> Float[Tensor, "note head token width"]:
    """What each token reads of the real tokens of its note; of no meaning at padding, which stands on the right."""
    if dropout and sparing(queries):
        seed = int(torch.randint(2**62, ()))
        kind = torch.promote_types(queries.dtype, torch.float32)
        with torch.autocast("cpu", enabled=False):
            given = (t.to(kind) for t in (queries, keys, values))
            return DroppedAttention.apply(*given, mask.sum(1).tolist(), dropout, seed)
    seen = mask | ~mask.any(1, keepdim=True)  # a softmax over nothing is not a number
    seen = None if seen.all() else seen[:, None, None]
    return scaled_dot_product_attention(queries, keys, values, seen, dropout)


def sparing(queries: Tensor) -> bool:
    """Whether DroppedAttention is what suits: a GPU has a kernel of its own, a rehearsal counts that one."""
    return queries.device.type == "cpu" and type(queries) is Tensor


class DroppedAttention(torch.autograd.Function):
    """`DroppedAttention.apply(queries, keys, values, lengths, dropout, seed)`; first derivatives only."""

    @staticmethod
    def forward(
        ctx: Any,
        queries: Float[Tensor, "note head token width"],
        keys: Float[Tensor, "note head token width"],
        values: Float[Tensor, "note head token width"],
        lengths: list[int],
        dropout: float,
        seed: int,
    ) -> Float[Tensor, "note head token width"]:
        found = torch.zeros_like(values, memory_format=torch.contiguous_format)
        log_sums = found.new_zeros(found.shape[:3])
        scale = math.log2(math.e) / math.sqrt(queries.shape[3])
        for n, h, tile, count, draws in _tiles(queries, lengths, seed):
            weights = keys[n, h, :count] @ (queries[n, h, tile].mT * scale)
            highest = weights.amax(1, keepdim=True)
            weights.sub_(highest).exp2_()
            sums = weights.sum(1, keepdim=True)
            stays, grown = staying(weights, dropout, draws)
            found[n, h, tile] = (weights.mul_(stays).mT @ values[n, h, :count]).mul_(grown / sums.mT)
            log_sums[n, h, tile] = sums.log2_().add_(highest).squeeze(1)
        ctx.save_for_backward(queries, keys, values, found, log_sums)
        ctx.lengths, ctx.dropout, ctx.seed = lengths, dropout, seed
        return found

    @staticmethod
    @once_differentiable
    @torch.autocast("cpu", enabled=False)  # also where backward() is called under autocast
    def backward(ctx: Any, gradient: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        queries, keys, values, found, log_sums = ctx.saved_tensors
        to_queries, to_keys, to_values = (torch.zeros_like(t) for t in (queries, keys, values))
        delta = (gradient * found).sum(3)
        scale = 1 / math.sqrt(queries.shape[3])
        for n, h, tile, count, draws in _tiles(queries, ctx.lengths, ctx.seed):
            query, key = queries[n, h, tile], keys[n, h, :count]
            weights = key @ (query.mT * (scale * math.log2(math.e)))
            weights.sub_(log_sums[n, h, tile].unsqueeze(1)).exp2_()
            stays, grown = staying(weights, ctx.dropout, draws)
            arrived = gradient[n, h, tile] * grown
            to_scores = values[n, h, :count] @ arrived.mT
            to_scores.mul_(stays).sub_(delta[n, h, tile].unsqueeze(1)).mul_(weights)
            to_values[n, h, :count].baddbmm_(weights.mul_(stays), arrived)
            to_queries[n, h, tile] = (to_scores.mT @ key).mul_(scale)
            to_keys[n, h, :count].baddbmm_(to_scores, query, alpha=scale)
        return to_queries, to_keys, to_values, None, None, None


def _tiles(queries: Tensor, lengths: list[int], seed: int) -> Iterator[tuple[int, slice, slice, int, torch.Generator]]:
    """(note, heads, queries, real tokens of the note, a generator of draws for this tile and those after it)."""
    draws = torch.Generator(queries.device).manual_seed(seed)
    for n, count in enumerate(lengths):
        size = max(16, TILE // max(1, count))
        together = max(1, TILE // max(1, count * count))
        for first in range(0, queries.shape[1], together):
            for start in range(0, count, size):
                yield n, slice(first, first + together), slice(start, min(count, start + size)), count, draws


class SparingDropout(TorchFunctionMode):
    """Within it, on a CPU, dropout and attention with dropout are those of this package, in other people's models too.

    The backward pass may follow outside; what is computed anew then, by checkpointing, must stand in it again.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is nn.functional.dropout and _plain_dropout(*args, **kwargs):
            return dropped(args[0], kwargs.get("p", args[1] if len(args) > 1 else 0.5))
        if func is scaled_dot_product_attention and len(args) >= 3 and kwargs.get("dropout_p"):
            rows = _own_tokens(*args, **kwargs)
            if rows is not None:
                return self_attention(args[0], args[1], args[2], rows, kwargs["dropout_p"])
        return func(*args, **kwargs)


def _plain_dropout(states: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> bool:
    return training and not inplace and sparing(states)


def _own_tokens(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Bool[Tensor, "note token"] | None:
    """The mask of the tokens, where every token sees all real ones of its row; None for another kind of attention."""
    usual = scale is None or math.isclose(scale, queries.shape[-1] ** -0.5)
    if not usual or is_causal or enable_gqa or not sparing(queries) or not queries.shape == keys.shape == values.shape:
        return None
    if queries.ndim != 4:
        return None
    rows, _, tokens, _ = queries.shape
    if attn_mask is None:
        return torch.ones(rows, tokens, dtype=torch.bool)
    if attn_mask.dtype != torch.bool or attn_mask.ndim != 4 or attn_mask.shape[1] != 1:
        return None
    seen = attn_mask[:, 0, 0].expand(rows, -1)
    on_the_right = torch.arange(tokens) < seen.sum(1, keepdim=True)
    return seen if torch.equal(seen, on_the_right) and (attn_mask == attn_mask[:, :, :1]).all() else None
