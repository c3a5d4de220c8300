"""CAML: Convolutional Attention for Multi-Label classification.

Mullenbach, Wiegreffe, Duke, Sun and Eisenstein, "Explainable Prediction of Medical Codes from Clinical Text",
NAACL 2018, arXiv 1802.05695. For word vectors x, a convolution of width k, codes ℓ:

    h_n = tanh(W_c · x_{n−⌊k/2⌋ … n+⌈k/2⌉−1} + b_c)
    α_ℓ = softmax_n(u_ℓ · h_n)        v_ℓ = Σ_n α_ℓn h_n        logit_ℓ = β_ℓ · v_ℓ + b_ℓ

Where the authors' code does otherwise:
- It masks no padding: in training, padding gets attention, and its states are not zero (its evaluation takes one note
  at a time, and so has none). Here, padding is no part of the note; `mask_padding = false` repeats the code.
- With its kernel of 10 and padding of 5 on both sides, it attends to one position more than the note has tokens. The
  paper pads "such that the resulting matrix H has dimension d_c × N". Here, there are N positions;
  `trailing_position = true` adds the extra one, as weights trained by the authors' code need it. Its attention, if
  asked for, is given to the last token, where its window ends.
"""

from __future__ import annotations

import torch
from jaxtyping import Int
from pydantic import Field
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.convolution import TokenConvolution, with_trailing, without_trailing
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.word_embedding import WordEmbedding, embed_words


class Config(Settings):
    """The authors' sizes for all codes of MIMIC-III; they use the same for its 50 most frequent codes."""

    embedding: int = Field(100, gt=0)
    freeze_words: bool = False
    filters: int = Field(50, gt=0)
    kernel: int = Field(10, gt=0)
    dropout: float = Field(0.2, ge=0, lt=1)
    mask_padding: bool = True
    trailing_position: bool = False


def build(config: Config, context: ModelContext) -> CAML:
    """Raises ConfigError where given word vectors do not fit the configuration."""
    words = embed_words(context, config.embedding, config.dropout, config.freeze_words)
    return CAML(
        words,
        config.embedding,
        len(context.space),
        filters=config.filters,
        kernel=config.kernel,
        mask_padding=config.mask_padding,
        trailing_position=config.trailing_position,
    )


class CAML(nn.Module):
    def __init__(
        self,
        words: WordEmbedding,
        embedding: int,
        codes: int,
        *,
        filters: int,
        kernel: int,
        mask_padding: bool = True,
        trailing_position: bool = False,
    ) -> None:
        super().__init__()
        self.words = words
        self.convolution = TokenConvolution(embedding, filters, kernel, trailing=trailing_position)
        nn.init.xavier_uniform_(self.convolution.convolution.weight)
        self.label_attention = LabelAttention(codes, filters, filters)
        self.mask_padding = mask_padding

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        mask = batch.mask if self.mask_padding else torch.ones_like(batch.mask)
        words = self.words(batch.tokens, batch.mask)
        states = torch.tanh(self.convolution(words, mask))
        if not self.convolution.trailing:
            return self.label_attention(states, states, mask, attention_codes, batch.targets)
        scores = self.label_attention(states, states, with_trailing(mask), attention_codes, batch.targets)
        if scores.attention is None:
            return scores
        return Scores(scores.logits, without_trailing(mask, scores.attention))
