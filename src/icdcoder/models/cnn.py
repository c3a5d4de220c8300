"""CNN: a convolution and the maximum over the note, the baseline of CAML's paper.

Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014, arXiv 1408.5882, in the form of Mullenbach
et al. 2018, arXiv 1802.05695. For word vectors x and a convolution of width k without padding:

    h_n = tanh(W_c · x_{n … n+k−1} + b_c)        v = max_n h_n        logit = W v + b

with dropout on x. There is no attention.

Where the authors' code does otherwise:
- It reads padding: windows of padding alone, whose states are tanh(b_c), take part in the maximum. Here, windows lie
  within the note; one that is shorter than k is filled up to k with zeros, and a note without a token has v = 0.
  `mask_padding = false` repeats the code.
"""

from __future__ import annotations

import torch
from jaxtyping import Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import pad

from icdcoder.core.config import Settings
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.word_embedding import WordEmbedding, embed_words


class Config(Settings):
    """The authors' sizes for all codes of MIMIC-III; they use the same for its 50 most frequent codes."""

    embedding: int = Field(100, gt=0)
    freeze_words: bool = False
    filters: int = Field(500, gt=0)
    kernel: int = Field(4, gt=0)
    dropout: float = Field(0.2, ge=0, lt=1)
    mask_padding: bool = True


def build(config: Config, context: ModelContext) -> CNN:
    """Raises ConfigError where given word vectors do not fit the configuration."""
    words = embed_words(context, config.embedding, config.dropout, config.freeze_words)
    return CNN(
        words,
        config.embedding,
        len(context.space),
        filters=config.filters,
        kernel=config.kernel,
        mask_padding=config.mask_padding,
    )


class CNN(nn.Module):
    def __init__(
        self,
        words: WordEmbedding,
        embedding: int,
        codes: int,
        *,
        filters: int,
        kernel: int,
        mask_padding: bool = True,
    ) -> None:
        super().__init__()
        self.words = words
        self.convolution = nn.Conv1d(embedding, filters, kernel)
        self.output = nn.Linear(filters, codes)
        nn.init.xavier_uniform_(self.convolution.weight)
        nn.init.xavier_uniform_(self.output.weight)
        self.mask_padding = mask_padding

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        kernel = self.convolution.kernel_size[0]
        words = self.words(batch.tokens, batch.mask)
        missing = max(0, kernel - words.shape[1])
        states = torch.tanh(self.convolution(pad(words, (0, 0, 0, missing)).transpose(1, 2)))
        if self.mask_padding:
            # A window counts if the note fills it, or, as the first of a short note, if it holds a token at all.
            windows = torch.arange(states.shape[2], device=states.device)
            lengths = batch.mask.sum(1, keepdim=True)
            last = torch.where(lengths > 0, (lengths - kernel).clamp(min=0), -1)
            outside = (windows > last)[:, None]
            states = states.masked_fill(outside, torch.finfo(states.dtype).min)
        strongest = states.amax(2)
        if self.mask_padding:
            strongest = strongest.masked_fill(~batch.mask.any(1, keepdim=True), 0.0)
        return Scores(self.output(strongest))
