"""Bi-GRU: the last states of a gated recurrent network, the other baseline of CAML's paper.

Cho et al., "Learning Phrase Representations using RNN Encoder–Decoder", EMNLP 2014, in the form of Mullenbach et al.
2018, arXiv 1802.05695. For word vectors x_1 … x_N, one layer, forward states →h and backward states ←h:

    v = [→h_N ; ←h_1]        logit = W v + b

There is no dropout and no attention.

Where the authors' code does otherwise:
- It reads padding: the forward direction ends, and the backward one begins, after the longest note of the batch. Here,
  each note is read from its first to its last token; a note without a token has v = 0. `mask_padding = false` repeats
  the code.
- For the 50 most frequent codes of MIMIC-III they train one direction of 512: `bidirectional = false`.
"""

from __future__ import annotations

import torch
from jaxtyping import Int
from pydantic import Field
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.word_embedding import WordEmbedding, embed_words


class Config(Settings):
    """The authors' sizes for all codes of MIMIC-III. hidden: width of v; each of two directions has half of it."""

    embedding: int = Field(100, gt=0)
    freeze_words: bool = False
    hidden: int = Field(512, gt=1)
    layers: int = Field(1, gt=0)
    bidirectional: bool = True
    mask_padding: bool = True


def build(config: Config, context: ModelContext) -> BiGRU:
    """Raises ConfigError where given word vectors do not fit the configuration."""
    words = embed_words(context, config.embedding, 0.0, config.freeze_words)
    return BiGRU(
        words,
        config.embedding,
        len(context.space),
        hidden=config.hidden,
        layers=config.layers,
        bidirectional=config.bidirectional,
        mask_padding=config.mask_padding,
    )


class BiGRU(nn.Module):
    def __init__(
        self,
        words: WordEmbedding,
        embedding: int,
        codes: int,
        *,
        hidden: int,
        layers: int = 1,
        bidirectional: bool = True,
        mask_padding: bool = True,
    ) -> None:
        super().__init__()
        self.words = words
        directions = 1 + bidirectional
        self.gru = nn.GRU(embedding, hidden // directions, layers, batch_first=True, bidirectional=bidirectional)
        self.output = nn.Linear(hidden // directions * directions, codes)
        self.mask_padding = mask_padding

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        words = self.words(batch.tokens, batch.mask)
        if not self.mask_padding:
            return Scores(self.output(self._last(self.gru(words)[1])))
        lengths = batch.mask.sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(
            words, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        # A GRU cannot read nothing: a note without a token reads one padding, which is forgotten here.
        last = self._last(self.gru(packed)[1]).masked_fill(lengths[:, None] == 0, 0.0)
        return Scores(self.output(last))

    def _last(self, states: Tensor) -> Tensor:
        """The last states of the last layer, both directions side by side, from torch's "layer·direction note"."""
        directions = 1 + self.gru.bidirectional
        return torch.cat(list(states[-directions:]), dim=1)
