"""MultiResCNN: a multi-filter residual convolutional network with CAML's label attention.

Li and Yu, "ICD Coding from Clinical Text Using Multi-Filter Residual Convolutional Neural Network", AAAI 2020,
arXiv 1912.00862. For word vectors X and each filter of width s:

    H_s = tanh(Conv_s(X))
    a   = tanh(BN(Conv_s(H_s)))       b = BN(Conv_s(a))       c = BN(Conv_1(H_s))
    R_s = tanh(b + c)
    H   = [R_s for all s], then attention and output as CAML

with dropout on X and on each R_s, and further residual blocks where `blocks` lists more than one width.

Where the authors' code does otherwise:
- It masks no padding: padding enters the convolutions, the statistics of the batch normalisation and, in training,
  attention (its evaluation takes one note at a time). Here, a note's states are those of the note alone, and the
  statistics count real tokens; `mask_padding = false` repeats the code.
- The bias of its attention layer is created and never used; it has no part here.

The port of Edin et al. (arXiv 2304.10909), on which their figures rest, has no bias in the first convolution of each
filter, which begins as torch draws it, and applies tanh to H once more before the attention: `base_bias = false` and
`second_tanh = true` repeat that, `mask_padding = false` its padding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Int
from pydantic import Field, field_validator
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.residual_filter import ResidualFilter, side_by_side
from icdcoder.nn.word_embedding import WordEmbedding, embed_words


class Config(Settings):
    """The authors' sizes. kernels: widths of the filters, odd. blocks: widths of the residual blocks.

    base_bias: of each filter's first convolution. second_tanh: one more on the states that attention reads.
    """

    embedding: int = Field(100, gt=0)
    freeze_words: bool = False
    kernels: tuple[int, ...] = Field((3, 5, 9, 15, 19, 25), min_length=1)
    blocks: tuple[int, ...] = Field((50,), min_length=1)
    dropout: float = Field(0.2, ge=0, lt=1)
    mask_padding: bool = True
    base_bias: bool = True
    second_tanh: bool = False

    @field_validator("kernels")
    @classmethod
    def _odd(cls, kernels: tuple[int, ...]) -> tuple[int, ...]:
        if any(kernel < 1 or kernel % 2 == 0 for kernel in kernels):
            raise ValueError("the widths of the filters must be odd, so that a state stands at each token.")
        return kernels

    @field_validator("blocks")
    @classmethod
    def _positive(cls, blocks: tuple[int, ...]) -> tuple[int, ...]:
        if any(width < 1 for width in blocks):
            raise ValueError("the widths of the residual blocks must be at least 1.")
        return blocks


def build(config: Config, context: ModelContext) -> MultiResCNN:
    """Raises ConfigError where given word vectors do not fit the configuration."""
    words = embed_words(context, config.embedding, config.dropout, config.freeze_words)
    return MultiResCNN(
        words,
        config.embedding,
        len(context.space),
        kernels=config.kernels,
        blocks=config.blocks,
        dropout=config.dropout,
        mask_padding=config.mask_padding,
        base_bias=config.base_bias,
        second_tanh=config.second_tanh,
    )


class MultiResCNN(nn.Module):
    def __init__(
        self,
        words: WordEmbedding,
        embedding: int,
        codes: int,
        *,
        kernels: Sequence[int],
        blocks: Sequence[int],
        dropout: float,
        mask_padding: bool = True,
        base_bias: bool = True,
        second_tanh: bool = False,
    ) -> None:
        super().__init__()
        self.words = words
        self.filters = nn.ModuleList(
            ResidualFilter(embedding, embedding, kernel, blocks, dropout, bias=base_bias) for kernel in kernels
        )
        hidden = len(kernels) * blocks[-1]
        self.label_attention = LabelAttention(codes, hidden, hidden)
        self.mask_padding, self.second_tanh = mask_padding, second_tanh

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        mask = batch.mask if self.mask_padding else torch.ones_like(batch.mask)
        words = self.words(batch.tokens, batch.mask)
        states = side_by_side(self.filters, words, mask)
        if self.second_tanh:
            states = torch.tanh(states)
        return self.label_attention(states, states, mask, attention_codes, batch.targets)
