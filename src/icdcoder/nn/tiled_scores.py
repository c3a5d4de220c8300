"""Label attention and output layer in one autograd function, computed tile by tile.

For one note with keys k_t, values h_t, and for each code c with query q_c and output weight w_c

    α_ct = softmax_t(q_c · k_t)      m_c = Σ_t α_ct h_t      z_c = w_c · m_c        (the logit without its bias)

and, with g_c the gradient that arrives at z_c and u_ct = w_c · h_t,

    ∂α_ct = g_c u_ct                 ∂s_ct = α_ct g_c (u_ct − z_c)
    ∂q_c = Σ_t ∂s_ct k_t             ∂k_t = Σ_c ∂s_ct q_c
    ∂w_c = g_c m_c                   ∂h_t = Σ_c α_ct g_c w_c

The matrix "code token" of a note is only ever held for as many codes as fit in the processor's cache, and the backward
pass computes it anew from the log-sum-exp of each row. What is kept for the backward pass is "note hidden code" (m), a
`token / hidden` part of what the plain formulation keeps three times over; without it the backward pass would need one
more matrix product of seven.

Four choices make up most of the speed on a CPU:
- Tiles lie as "token code": matrix products with a small inner dimension run up to 2.5 × faster than as "code token".
- exp2 takes the place of exp, with log2(e) folded into the queries: `torch.exp` is 8 × slower on some processors.
- The gradient of the queries is added to whole rows; adding a product to a slice of columns takes 1.4 × as long.
- The subtractions of log-sum-exp and of g·z ride in the matrix products, as one more column against a column of ones.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from icdcoder.nn.tiles import Room, code_tiles, token_blocks, with_column, with_ones


class TiledScores(torch.autograd.Function):
    """`TiledScores.apply(keys, values, mask, queries, weights, keep)` → logits without bias, "note code".

    keep: whether a backward pass may follow. All tensors share one floating type. First derivatives only.
    A note without a real token scores 0 for every code and gets and gives no gradient.
    """

    @staticmethod
    def forward(
        ctx: Any,
        keys: Float[Tensor, "note token attended"],
        values: Float[Tensor, "note token hidden"],
        mask: Bool[Tensor, "note token"],
        queries: Float[Tensor, "code attended"],
        weights: Float[Tensor, "code hidden"],
        keep: bool,
    ) -> Float[Tensor, "note code"]:
        notes, codes, hidden = len(keys), *weights.shape
        scores = keys.new_zeros(notes, codes)
        log_sums = keys.new_zeros(notes, codes) if keep else None
        means = keys.new_zeros(notes, hidden, codes) if keep else None
        scaled = (queries * math.log2(math.e)).t().contiguous()
        columns = weights.t().contiguous()
        for n, count in enumerate(mask.sum(1).tolist()):
            if count == 0:
                continue
            real = mask[n]
            key, value = keys[n][real], with_ones(values[n][real]).t().contiguous()
            tiles = code_tiles(count, codes, keys.device)
            first, second = (Room(key, rows, tiles[0].stop) for rows in (count, hidden + 1))
            for tile in tiles:
                attention = first.product(key, scaled[:, tile])
                highest = attention.amax(0)
                attention.sub_(highest).exp2_()
                sums = second.product(value, attention)
                mean = sums[:hidden].div_(sums[hidden])
                if log_sums is not None and means is not None:
                    log_sums[n, tile] = sums[hidden].log2_().add_(highest)
                    means[n, :, tile] = mean
                scores[n, tile] = mean.mul_(columns[:, tile]).sum(0)
        if keep:
            ctx.save_for_backward(keys, values, mask, queries, weights, scores, log_sums, means)
        return scores

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, gradient: Float[Tensor, "note code"]
    ) -> tuple[Tensor | None, ...]:
        keys, values, mask, queries, weights, scores, log_sums, means = ctx.saved_tensors
        to_keys, to_values = torch.zeros_like(keys), torch.zeros_like(values)
        to_queries, to_weights = torch.zeros_like(queries), keys.new_zeros(weights.shape[::-1])
        for n, count in enumerate(mask.sum(1).tolist()):
            if count == 0:
                continue
            real = mask[n]
            codes = (queries, weights, gradient[n, :, None], scores[n, :, None], log_sums[n, :, None])
            with torch.autocast(keys.device.type, enabled=False):  # also where backward() is called under autocast
                to_key, to_value = _one_note(keys[n][real], values[n][real], *codes, to_queries)
            to_keys[n, real], to_values[n, real] = to_key, to_value
            to_weights.addcmul_(means[n], gradient[n])
        return to_keys, to_values, None, to_queries, to_weights.t(), None


def _one_note(
    key: Float[Tensor, "token attended"],
    value: Float[Tensor, "token hidden"],
    queries: Float[Tensor, "code attended"],
    weights: Float[Tensor, "code hidden"],
    gradient: Float[Tensor, "code 1"],
    score: Float[Tensor, "code 1"],
    log_sum: Float[Tensor, "code 1"],
    to_queries: Float[Tensor, "code attended"],
) -> tuple[Float[Tensor, "token attended"], Float[Tensor, "token hidden"]]:
    """Gradients of one note's keys and values; adds the queries' gradient to `to_queries`."""
    to_key, to_value = torch.zeros_like(key), torch.zeros_like(value)
    key, value = with_ones(key), with_ones(value)
    blocks = token_blocks(len(key), key.device)
    tiles = code_tiles(blocks[0].stop, len(queries), key.device)
    first, second = (Room(key, blocks[0].stop, tiles[0].stop) for _ in range(2))
    for tile in tiles:
        if not gradient[tile].any():  # an explainer asks for the gradient of a few codes only
            continue
        query = with_column(queries[tile] * math.log2(math.e), -log_sum[tile])
        weight = with_column(weights[tile] * gradient[tile], -gradient[tile] * score[tile])
        for block in blocks:
            attention = first.product(key[block], query.t()).exp2_()
            to_value[block].addmm_(attention, weight[:, :-1])
            to_scores = second.product(value[block], weight.t()).mul_(attention)
            to_key[block].addmm_(to_scores, queries[tile])
            to_queries[tile].addmm_(to_scores.t(), key[block, :-1])
    return to_key, to_value
