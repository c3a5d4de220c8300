"""Label attention: each code reads the note through its own attention, and its own output weight scores what it read.

Introduced by CAML (Mullenbach et al. 2018) and kept, with other keys and values, by most models since.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention

from icdcoder.nn.contract import Scores
from icdcoder.nn.foreseen_gradients import ForeseenGradients
from icdcoder.nn.tiled_scores import TiledScores

# Below so many elements of "note code token" (4 MB as float32) the plain formulation is as fast and needs no tiles.
PLAIN_ELEMENTS = 1_000_000


def attention(
    keys: Float[Tensor, "note token attended"],
    mask: Bool[Tensor, "note token"],
    queries: Float[Tensor, "asked attended"],
) -> Float[Tensor, "note asked token"]:
    """softmax over real tokens of q · k. Exactly 0 on padding; a note without a real token gets 0 everywhere."""
    padding = ~mask[:, None]
    scores = queries @ keys.transpose(1, 2)
    scores = scores.masked_fill(padding, torch.finfo(scores.dtype).min)
    return torch.softmax(scores, 2).masked_fill(padding, 0.0)


def label_logits(
    keys: Float[Tensor, "note token attended"],
    values: Float[Tensor, "note token hidden"],
    mask: Bool[Tensor, "note token"],
    queries: Float[Tensor, "code attended"],
    weights: Float[Tensor, "code hidden"],
    bias: Float[Tensor, "... code"],
    targets: Float[Tensor, "note code"] | None = None,
) -> Float[Tensor, "note code"]:
    """logit = bias_c + w_c · Σ_t α_ct h_t, where α_c is code c's attention over the note's real tokens.

    bias: of each code, or whatever else stands in each note's logits. targets: gold, where a gradient of binary
    cross-entropy will follow; the gradients are then computed along with the logits, which saves making α twice.

    A note without a real token scores the bias. Computed in float32 at least, also under autocast, since differences
    of large scores decide the attention. "note code token" is never held in full, unless it has fewer elements than
    PLAIN_ELEMENTS. Larger ones go, on a CPU, to torch's fused kernel where keys and values are equally wide, which is
    all that it takes; everything else is computed in tiles. benchmarks/label_attention.py measures each of the three.
    """
    kind = torch.promote_types(torch.promote_types(keys.dtype, queries.dtype), torch.float32)
    same = keys is values  # one copy in this type is enough then
    keys, queries, weights, bias = (t.to(kind) for t in (keys, queries, weights, bias))
    values = keys if same else values.to(kind)
    inputs = (keys, values, queries, weights)
    keep = torch.is_grad_enabled() and any(t.requires_grad for t in inputs)
    with torch.autocast(keys.device.type, enabled=False):
        if keys.shape[0] * keys.shape[1] * queries.shape[0] <= PLAIN_ELEMENTS:
            return plain_label_logits(keys, values, mask, queries, weights, bias)
        if keys.device.type == "cpu" and keys.shape == values.shape:
            return fused_label_logits(keys, values, mask, queries, weights, bias)
        if keep and targets is not None:
            added = bias.expand(len(keys), -1)
            return ForeseenGradients.apply(keys, values, mask, queries, weights, added, targets.to(kind))
        return TiledScores.apply(keys, values, mask, queries, weights, keep) + bias


def plain_label_logits(
    keys: Float[Tensor, "note token attended"],
    values: Float[Tensor, "note token hidden"],
    mask: Bool[Tensor, "note token"],
    queries: Float[Tensor, "code attended"],
    weights: Float[Tensor, "code hidden"],
    bias: Float[Tensor, "... code"],
) -> Float[Tensor, "note code"]:
    """The same as `label_logits` as the papers write it, with "note code token" and "note code hidden" in memory."""
    read = attention(keys, mask, queries) @ values
    return (weights * read).sum(2) + bias


def fused_label_logits(
    keys: Float[Tensor, "note token attended"],
    values: Float[Tensor, "note token attended"],
    mask: Bool[Tensor, "note token"],
    queries: Float[Tensor, "code attended"],
    weights: Float[Tensor, "code attended"],
    bias: Float[Tensor, "... code"],
) -> Float[Tensor, "note code"]:
    """The same through scaled_dot_product_attention, which holds "note code hidden" but no weights of tokens."""
    notes, codes = len(keys), len(queries)
    # Its backward pass works in parallel over notes × heads only; as heads serve groups of codes.
    heads = -(-4 * torch.get_num_threads() // max(1, notes))
    grouped = pad(queries, (0, 0, 0, -codes % heads)).unflatten(0, (heads, -1)).expand(notes, -1, -1, -1)
    keys, values = (states[:, None].expand(-1, heads, -1, -1) for states in (keys, values))
    some = mask.any(1, keepdim=True)
    seen = None if mask.all() else (mask | ~some)[:, None, None]  # a note that may see nothing has no softmax
    read = scaled_dot_product_attention(grouped, keys, values, seen, scale=1.0).flatten(1, 2)[:, :codes]
    return (weights * read).sum(2) * some + bias


class LabelAttention(nn.Module):
    """A query, an output weight and a bias for each code; xavier-uniform matrices, as CAML initialises them.

    codes: size of the label space. attended: width of keys and queries. hidden: width of values.
    """

    def __init__(self, codes: int, attended: int, hidden: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.empty(codes, attended))
        self.weights = nn.Parameter(torch.empty(codes, hidden))
        self.bias = nn.Parameter(torch.empty(codes))
        nn.init.xavier_uniform_(self.queries)
        nn.init.xavier_uniform_(self.weights)
        nn.init.uniform_(self.bias, -(hidden**-0.5), hidden**-0.5)

    def forward(
        self,
        keys: Float[Tensor, "note token attended"],
        values: Float[Tensor, "note token hidden"],
        mask: Bool[Tensor, "note token"],
        asked: Int[Tensor, "asked"] | None = None,
        targets: Float[Tensor, "note code"] | None = None,
        added: Float[Tensor, "note code"] | None = None,
    ) -> Scores:
        """Logits of all codes, and the attention of the codes whose indices are `asked`.

        targets: as `label_logits`. added: what else stands in the logits.
        """
        bias = self.bias if added is None else self.bias + added
        logits = label_logits(keys, values, mask, self.queries, self.weights, bias, targets)
        return Scores(logits, None if asked is None else attention(keys.float(), mask, self.queries[asked].float()))
