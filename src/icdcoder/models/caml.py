"""CAML: convolutional attention for multi-label classification (Mullenbach et al., NAACL 2018).

    H = tanh(Conv_k(E))            "token filter"       (section 2.1)
    α_c = softmax(H u_c)           attention of code c  (equation 3)
    logit_c = b_c + w_c · Hᵀ α_c                        (equations 4-5)

Where we differ from the authors' code: padding is masked (theirs tests with batches of one note and trains with
padding attended); the kernel of 10 gives one position a token, where theirs adds a position past the end; the bias
that theirs creates for U and never uses does not exist.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.convolution import TokenConvolution
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.word_embedding import WordEmbedding


class Config(Settings):
    """width: of word vectors. filters, kernel: of the convolution. dropout: on word vectors."""

    width: int = Field(default=100, ge=1)
    filters: int = Field(default=50, ge=1)
    kernel: int = Field(default=10, ge=1)
    dropout: float = Field(default=0.2, ge=0, lt=1)


class Caml(nn.Module):
    def __init__(
        self,
        vocabulary: int,
        codes: int,
        *,
        width: int,
        filters: int,
        kernel: int,
        dropout: float,
        vectors: Float[Tensor, "word width"] | None = None,
    ) -> None:
        super().__init__()
        self.words = WordEmbedding(vocabulary, width, dropout, vectors)
        self.convolution = TokenConvolution(width, filters, kernel)
        self.labels = LabelAttention(codes, filters, filters)
        nn.init.xavier_uniform_(self.convolution.convolution.weight)

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        states = torch.tanh(self.convolution(self.words(batch.tokens, batch.mask), batch.mask))
        return self.labels(states, states, batch.mask, attention_codes)


def build(config: Config, context: ModelContext) -> Caml:
    return Caml(
        context.vocabulary_size,
        len(context.space),
        width=config.width,
        filters=config.filters,
        kernel=config.kernel,
        dropout=config.dropout,
        vectors=context.word_vectors,
    )
