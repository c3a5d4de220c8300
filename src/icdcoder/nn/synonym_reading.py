"""What several synonyms of each code read of a note, and the greatest of it: the attention of MSMN, in tiles.

For one note with states h_t, synonym k's keys z_kt, and for code c its query u_ck (Yuan et al. 2022, arXiv 2203.01515),

    α_ckt = softmax_t(u_ck · z_kt)      r_ck = Σ_t α_ckt h_t      m_c = max_k r_ck, of each component

and, with g_ck the part of m_c's gradient whose components synonym k gave and δ_ck = g_ck · m_c,

    ∂s_ckt = α_ckt (g_ck · h_t - δ_ck)          ∂h_t = Σ_ck α_ckt g_ck
    ∂u_ck = Σ_t ∂s_ckt z_kt                     ∂z_kt = Σ_c ∂s_ckt u_ck

"note synonym code token" is held for as many codes as fit in a cache, and computed anew in the backward pass from the
log-sum-exp of each row; of what is read, the greatest is kept and whose it was.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

TILE = 5_000_000  # elements of "synonym token code"


def greatest_reading(
    keys: Float[Tensor, "note synonym token part"],
    states: Float[Tensor, "note token hidden"],
    mask: Bool[Tensor, "note token"],
    queries: Float[Tensor, "code synonym part"],
) -> Float[Tensor, "note code hidden"]:
    """m; zero for a note without a real token. In float32 at least, under autocast too."""
    kind = torch.promote_types(torch.promote_types(keys.dtype, queries.dtype), torch.float32)
    with torch.autocast(keys.device.type, enabled=False):
        return GreatestReading.apply(keys.to(kind), states.to(kind), mask, queries.to(kind))


class GreatestReading(torch.autograd.Function):
    """`GreatestReading.apply(keys, states, mask, queries)`, all of one floating type; first derivatives only."""

    @staticmethod
    def forward(
        ctx: Any,
        keys: Float[Tensor, "note synonym token part"],
        states: Float[Tensor, "note token hidden"],
        mask: Bool[Tensor, "note token"],
        queries: Float[Tensor, "code synonym part"],
    ) -> Float[Tensor, "note code hidden"]:
        notes, codes, synonyms = len(states), len(queries), queries.shape[1]
        found = states.new_zeros(notes, codes, states.shape[2])
        giver = torch.zeros(found.shape, dtype=torch.uint8, device=found.device)
        log_sums = states.new_zeros(notes, synonyms, codes)
        scaled = queries.permute(1, 2, 0) * math.log2(math.e)
        for n, real in enumerate(mask):
            key, state = keys[n][:, real], states[n][real]
            for tile in _tiles(len(state), codes, synonyms):
                attention = key @ scaled[..., tile]
                highest = attention.amax(1, keepdim=True)
                attention.sub_(highest).exp2_()
                sums = attention.sum(1, keepdim=True)
                read = torch.bmm(attention.mT, state.expand(synonyms, -1, -1)).div_(sums.mT)
                found[n, tile], whose = read.max(0)
                giver[n, tile] = whose.to(torch.uint8)
                log_sums[n, :, tile] = sums.log2_().add_(highest).squeeze(1)
        ctx.save_for_backward(keys, states, mask, queries, found, giver, log_sums)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Float[Tensor, "note code hidden"]) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        keys, states, mask, queries, found, giver, log_sums = ctx.saved_tensors
        to_keys, to_states, to_queries = torch.zeros_like(keys), torch.zeros_like(states), torch.zeros_like(queries)
        synonyms = torch.arange(queries.shape[1], device=keys.device)[:, None, None]
        with torch.autocast(keys.device.type, enabled=False):  # also where backward() is called under autocast
            for n, real in enumerate(mask):
                key, state = keys[n][:, real], states[n][real]
                to_key, to_state = torch.zeros_like(key), torch.zeros_like(state)
                for tile in _tiles(len(state), len(queries), queries.shape[1]):
                    query = queries[tile].transpose(0, 1)
                    attention = key @ (query.mT * math.log2(math.e))
                    attention.sub_(log_sums[n, :, tile].unsqueeze(1)).exp2_()
                    given = gradient[n, tile] * (giver[n, tile] == synonyms)  # "synonym code hidden"
                    delta = (given * found[n, tile]).sum(2)
                    # As a batch, since `state @ given.mT` lies in memory the other way round than `attention`.
                    to_scores = torch.bmm(state.expand(len(given), -1, -1), given.mT)
                    to_scores.sub_(delta.unsqueeze(1)).mul_(attention)
                    for weights, arrived in zip(attention, given, strict=True):
                        to_state.addmm_(weights, arrived)
                    to_key.baddbmm_(to_scores, query)
                    to_queries[tile] += (to_scores.mT @ key).transpose(0, 1)
                to_keys[n][:, real], to_states[n][real] = to_key, to_state
        return to_keys, to_states, None, to_queries


def _tiles(tokens: int, codes: int, synonyms: int) -> list[slice]:
    """Ranges of codes; none for a note without a real token."""
    if not tokens:
        return []
    size = max(16, TILE // (tokens * synonyms))
    return [slice(start, min(codes, start + size)) for start in range(0, codes, size)]
