"""KG-injection: each token of a note takes up what knowledge of the codes says about it.

"How to leverage large language models for automatic ICD coding", equations 6 to 9, for features D of a note and D_m
of the knowledge M, a text about each code:

    Z_m = D_m W        A = softmax(D Z_mᵀ)        D' = D + A Z_m

W is "hidden hidden", another one than that of the label attention: Z_m is added to D. The paper does not say how W
begins; here as a tenth of the identity, so that a token first takes up a little of the knowledge most like it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from icdcoder.nn.knowledge_tables import sized_by_state

NO_TOKEN = -1
FIRST = 0.1


class KnowledgeInjection(nn.Module):
    """texts: one about each code; "" where nothing is known. most: tokens of each that are kept. encode: the
    tokenizer, without special tokens; None where the buffer will be loaded. special: numbers set around a text."""

    texts: Tensor

    def __init__(
        self,
        texts: Sequence[str],
        most: int,
        hidden: int,
        encode: Callable[[str], Iterable[int]] | None,
        special: tuple[Sequence[int], Sequence[int]],
    ) -> None:
        super().__init__()
        rows = [torch.zeros(0, dtype=torch.long)] * len(texts)
        if encode is not None:
            cut = [[int(n) for n in encode(text)][:most] if text else [] for text in texts]
            rows = [torch.tensor([*special[0], *row, *special[1]] if row else [], dtype=torch.long) for row in cut]
        table = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=NO_TOKEN)
        self.register_buffer("texts", table)
        self.weight = nn.Parameter(FIRST * torch.eye(hidden))
        sized_by_state(self, "texts")

    def tokens(self, pad: int) -> tuple[Int[Tensor, "code place"], Bool[Tensor, "code place"]]:
        """The knowledge of each code that has any, and True where there is a token."""
        known = self.texts[(self.texts != NO_TOKEN).any(1)]
        mask = known != NO_TOKEN
        return known.masked_fill(~mask, pad), mask

    def forward(
        self, features: Float[Tensor, "note token hidden"], knowledge: Float[Tensor, "piece hidden"]
    ) -> Float[Tensor, "note token hidden"]:
        """D' of D and of the features of all tokens of the knowledge. Computed in float32 at least, as softmax of large
        products needs; "note token piece" is not held where torch's fused kernel serves."""
        if not len(knowledge):
            return features
        kind = torch.promote_types(features.dtype, torch.float32)
        with torch.autocast(features.device.type, enabled=False):
            projected = knowledge.to(kind) @ self.weight.to(kind)
            shared = projected.expand(len(features), 1, -1, -1)
            read = scaled_dot_product_attention(features.to(kind)[:, None], shared, shared, scale=1.0)[:, 0]
            return (features.to(kind) + read).to(features.dtype)
