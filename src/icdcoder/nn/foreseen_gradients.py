"""Label attention in a training step: logits, and in the same pass over the tiles the gradients that training will ask.

The backward pass of nn/tiled_scores.py makes every tile of "token code" anew, one matrix product of seven, because
the gradient g_c that arrives at a logit is not known earlier. But with the gold y_c at hand it is: of the binary
cross-entropy of a logit, whatever mean, share or scale follows,

    g_c = σ(z_c) − y_c

up to one factor for all notes and codes. So each tile is used for both while it lies in the cache, and what is kept for
the backward pass is the gradients themselves: as large as the inputs, where TiledScores keeps "note hidden code".

The backward pass compares what arrives with what was foreseen. Where it is something else (another loss, a second term
on the logits), the gradients are computed from it as TiledScores does: the answer is right for any loss, only slower.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from icdcoder.nn.tiled_scores import TiledScores
from icdcoder.nn.tiles import Room, code_tiles, token_blocks, with_column, with_ones


class ForeseenGradients(torch.autograd.Function):
    """`ForeseenGradients.apply(keys, values, mask, queries, weights, added, targets)` → logits, "note code".

    added: what stands in the logits beside w_c · m_c, such as the bias. All tensors but the mask share one floating
    type. First derivatives only. A note without a real token scores what is added.
    """

    @staticmethod
    def forward(
        ctx: Any,
        keys: Float[Tensor, "note token attended"],
        values: Float[Tensor, "note token hidden"],
        mask: Bool[Tensor, "note token"],
        queries: Float[Tensor, "code attended"],
        weights: Float[Tensor, "code hidden"],
        added: Float[Tensor, "note code"],
        targets: Float[Tensor, "note code"],
    ) -> Float[Tensor, "note code"]:
        logits = added.clone(memory_format=torch.contiguous_format)
        to_keys, to_values = torch.zeros_like(keys), torch.zeros_like(values)
        codes = _Codes(
            queries,
            weights,
            (queries * math.log2(math.e)).t().contiguous(),
            torch.zeros_like(queries),
            torch.zeros_like(weights),
        )
        for n, count in enumerate(mask.sum(1).tolist()):
            if count == 0:
                continue
            real = mask[n]
            to_key, to_value = _one_note(keys[n][real], values[n][real], codes, logits[n], targets[n])
            to_keys[n, real], to_values[n, real] = to_key, to_value
        found = (to_keys, to_values, codes.to_queries, codes.to_weights)
        ctx.save_for_backward(keys, values, mask, queries, weights, targets, logits, *found)
        return logits

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, gradient: Float[Tensor, "note code"]
    ) -> tuple[Tensor | None, ...]:
        keys, values, mask, queries, weights, targets, logits, *found = ctx.saved_tensors
        scale = _scale(gradient, torch.sigmoid(logits).sub_(targets))
        if scale is None:
            return *_anew((keys, values, queries, weights), mask, gradient), gradient, None
        to_keys, to_values, to_queries, to_weights = (t * scale for t in found)
        return to_keys, to_values, None, to_queries, to_weights, gradient, None


class _Codes(NamedTuple):
    """What all notes share, and what they add to. scaled: the queries, to be taken as powers of two."""

    queries: Float[Tensor, "code attended"]
    weights: Float[Tensor, "code hidden"]
    scaled: Float[Tensor, "attended code"]
    to_queries: Float[Tensor, "code attended"]
    to_weights: Float[Tensor, "code hidden"]


def _one_note(
    key: Float[Tensor, "token attended"],
    value: Float[Tensor, "token hidden"],
    codes: _Codes,
    logits: Float[Tensor, "code"],
    targets: Float[Tensor, "code"],
) -> tuple[Float[Tensor, "token attended"], Float[Tensor, "token hidden"]]:
    """Gradients of one note's keys and values; adds to `logits` and to the gradients of the codes."""
    count, hidden = value.shape
    to_key, to_value = torch.zeros_like(key), torch.zeros_like(value)
    value = with_ones(value)
    tiles, blocks = code_tiles(count, len(logits), key.device), token_blocks(count, key.device)
    first, third = (Room(key, rows, tiles[0].stop) for rows in (count, blocks[0].stop))
    second = Room(key, tiles[0].stop, hidden + 1)
    for tile in tiles:
        attention = first.product(key, codes.scaled[:, tile])
        attention.sub_(attention.amax(0)).exp2_()
        sums = second.product(attention.t(), value)
        total = sums[:, hidden:]
        mean = sums[:, :hidden].div_(total)
        score = torch.linalg.vecdot(mean, codes.weights[tile])[:, None]
        logits[tile] += score[:, 0]
        asked = torch.sigmoid(logits[tile]).sub_(targets[tile])[:, None]
        codes.to_weights[tile].addcmul_(mean, asked)
        asked = asked / total  # the attention of this tile still lacks its division
        weight = with_column(codes.weights[tile] * asked, -asked * score)
        for block in blocks:
            to_value[block].addmm_(attention[block], weight[:, :-1])
            to_scores = third.product(value[block], weight.t()).mul_(attention[block])
            to_key[block].addmm_(to_scores, codes.queries[tile])
            codes.to_queries[tile].addmm_(to_scores.t(), key[block])
    return to_key, to_value


def _scale(arrived: Float[Tensor, "note code"], foreseen: Float[Tensor, "note code"]) -> Tensor | None:
    """The factor between what arrived and what was foreseen; None where there is no such factor."""
    scale = (arrived * foreseen).sum() / foreseen.square().sum().clamp(min=torch.finfo(foreseen.dtype).tiny)
    least = 1e-6 * float(arrived.abs().max())
    return scale if torch.allclose(arrived, foreseen * scale, rtol=1e-4, atol=least) else None


def _anew(
    inputs: tuple[Tensor, Tensor, Tensor, Tensor],
    mask: Bool[Tensor, "note token"],
    gradient: Float[Tensor, "note code"],
) -> tuple[Tensor | None, ...]:
    """Gradients of keys, values, mask, queries and weights for any gradient of the logits."""
    with torch.enable_grad():
        keys, values, queries, weights = leaves = [t.detach().requires_grad_() for t in inputs]
        scores = TiledScores.apply(keys, values, mask, queries, weights, True)
    to_keys, to_values, to_queries, to_weights = torch.autograd.grad(scores, leaves, gradient)
    return to_keys, to_values, None, to_queries, to_weights
