"""What each code reads of a note, where a model does more with it than weigh it: "note code hidden" is in memory."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention


def label_reading(
    keys: Float[Tensor, "row token attended"],
    values: Float[Tensor, "row token hidden"],
    mask: Bool[Tensor, "row token"],
    queries: Float[Tensor, "code attended"],
) -> Float[Tensor, "row code hidden"]:
    """Σ_t α_ct h_t, with α_c the softmax over real tokens of q_c · k_t; zero for a row without a real token.

    Through torch's fused kernel, which holds no "row code token" where it can, and in the type of the values.
    """
    some = mask.any(1)[:, None, None]
    every = bool(some.all())
    seen = None if mask.all() else (mask[:, None] | ~some)[:, None]
    keys, queries = keys.to(values.dtype), queries.to(values.dtype)
    found = scaled_dot_product_attention(
        queries.expand(len(keys), 1, -1, -1), keys[:, None], values[:, None], seen, scale=1.0
    )
    return found[:, 0] if every else found[:, 0] * some
