"""Word vectors of a note, with dropout; exactly zero on padding."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from icdcoder.nn.contract import PAD


class WordEmbedding(nn.Module):
    """vocabulary: words, padding and unknown included. vectors: pretrained "word width", else drawn from N(0, 1)."""

    def __init__(
        self, vocabulary: int, width: int, dropout: float, vectors: Float[Tensor, "word width"] | None = None
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=PAD)
        self.dropout = nn.Dropout(dropout)
        if vectors is not None:
            with torch.no_grad():
                self.embedding.weight.copy_(vectors)
                self.embedding.weight[PAD] = 0.0

    def forward(
        self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token width"]:
        return self.dropout(self.embedding(tokens)) * mask[:, :, None]
