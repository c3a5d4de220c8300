"""MultiResCNN: multi-filter residual convolutions with label attention (Li and Yu, AAAI 2020).

For each kernel k of {3, 5, 9, 15, 19, 25}:
    B_k = tanh(Conv_k(E))                                        (equation 1)
    R_k = tanh(BN(Conv_k(tanh(BN(Conv_k(B_k))))) + BN(Conv_1(B_k)))    residual block (equations 2-4)
    H = [R_3 … R_25]                                             "token 300"
    α_c = softmax(H u_c),   logit_c = b_c + w_c · Hᵀ α_c         (equations 6-9)

Where we differ from the authors' code: padding is masked in the attention, in every convolution, and in the batch
normalisation, whose statistics are those of real tokens (there padding takes part in all three).
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.convolution import TokenBatchNorm, TokenConvolution
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.word_embedding import WordEmbedding


class Config(Settings):
    """width: of word vectors. kernels: one channel each. filters: a channel's width after its residual block.

    dropout: on word vectors and after each block.
    """

    width: int = Field(default=100, ge=1)
    kernels: tuple[int, ...] = (3, 5, 9, 15, 19, 25)
    filters: int = Field(default=50, ge=1)
    dropout: float = Field(default=0.2, ge=0, lt=1)


class ResidualBlock(nn.Module):
    """Two convolutions with batch normalisation beside a convolution of one token."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.first = TokenConvolution(inputs, outputs, kernel, bias=False)
        self.first_norm = TokenBatchNorm(outputs)
        self.second = TokenConvolution(outputs, outputs, kernel, bias=False)
        self.second_norm = TokenBatchNorm(outputs)
        self.shortcut = TokenConvolution(inputs, outputs, 1, bias=False)
        self.shortcut_norm = TokenBatchNorm(outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, states: Float[Tensor, "note token inputs"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token outputs"]:
        left = torch.tanh(self.first_norm(self.first(states, mask), mask))
        left = self.second_norm(self.second(left, mask), mask)
        return self.dropout(torch.tanh(left + self.shortcut_norm(self.shortcut(states, mask), mask)))


class MultiResCnn(nn.Module):
    def __init__(
        self,
        vocabulary: int,
        codes: int,
        *,
        width: int,
        kernels: tuple[int, ...],
        filters: int,
        dropout: float,
        vectors: Float[Tensor, "word width"] | None = None,
    ) -> None:
        super().__init__()
        self.words = WordEmbedding(vocabulary, width, dropout, vectors)
        self.convolutions = nn.ModuleList(TokenConvolution(width, width, kernel) for kernel in kernels)
        self.blocks = nn.ModuleList(ResidualBlock(width, filters, kernel, dropout) for kernel in kernels)
        hidden = filters * len(kernels)
        self.labels = LabelAttention(codes, hidden, hidden)
        for convolution in self.convolutions:
            nn.init.xavier_uniform_(convolution.convolution.weight)  # pyright: ignore[reportAttributeAccessIssue]

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        words, mask = self.words(batch.tokens, batch.mask), batch.mask
        channels = [
            block(torch.tanh(convolution(words, mask)), mask)
            for convolution, block in zip(self.convolutions, self.blocks, strict=True)
        ]
        states = torch.cat(channels, dim=2)
        return self.labels(states, states, mask, attention_codes)


def build(config: Config, context: ModelContext) -> MultiResCnn:
    return MultiResCnn(
        context.vocabulary_size,
        len(context.space),
        width=config.width,
        kernels=config.kernels,
        filters=config.filters,
        dropout=config.dropout,
        vectors=context.word_vectors,
    )
