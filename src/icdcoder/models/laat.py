"""LAAT: a label attention model on a bidirectional LSTM.

Vu, Nguyen and Nguyen, "A Label Attention Model for ICD Coding from Clinical Text", IJCAI 2020, arXiv 2007.06351.
For the LSTM's states H, one of 2u numbers a token:

    Z = tanh(W H)            A = softmax(U Z), each code over the tokens
    V = H Aᵀ                 logit_ℓ = w_ℓ · v_ℓ + b_ℓ

with dropout on the word vectors.

Where the authors' code does otherwise:
- It masks no padding in the attention. States at padding are zero and so is their score, but exp(0) = 1 takes its
  share of the softmax: the longer the other notes of a batch, the less each token counts. Here, padding gets no
  attention; `mask_padding = false` repeats the code.
- Its default, with which the published runs were made, freezes the word vectors. Here, they are trained;
  `freeze_words = true` repeats those runs.
- Its vocabulary and its word vectors know the words of validation and test notes; `text.vocabulary_parts` and
  `words.parts` repeat that.
"""

from __future__ import annotations

import torch
from jaxtyping import Int
from pydantic import Field
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.recurrent import BidirectionalLSTM
from icdcoder.nn.word_embedding import WordEmbedding, embed_words

SPREAD = 0.03  # standard deviation of the initial attention and output matrices


class Config(Settings):
    """The authors' sizes for all codes of MIMIC-III; for its 50 most frequent codes they take hidden = attended = 256.

    hidden: width of each direction of the LSTM (u). attended: width of keys and queries (d_a).
    """

    embedding: int = Field(100, gt=0)
    freeze_words: bool = False
    hidden: int = Field(512, gt=0)
    layers: int = Field(1, gt=0)
    attended: int = Field(512, gt=0)
    dropout: float = Field(0.3, ge=0, lt=1)
    mask_padding: bool = True


def build(config: Config, context: ModelContext) -> LAAT:
    """Raises ConfigError where given word vectors do not fit the configuration."""
    words = embed_words(context, config.embedding, config.dropout, config.freeze_words)
    return LAAT(
        words,
        config.embedding,
        len(context.space),
        hidden=config.hidden,
        layers=config.layers,
        attended=config.attended,
        mask_padding=config.mask_padding,
    )


class LAAT(nn.Module):
    def __init__(
        self,
        words: WordEmbedding,
        embedding: int,
        codes: int,
        *,
        hidden: int,
        layers: int = 1,
        attended: int,
        mask_padding: bool = True,
    ) -> None:
        super().__init__()
        self.words = words
        self.lstm = BidirectionalLSTM(embedding, hidden, layers)
        self.projection = nn.Linear(2 * hidden, attended, bias=False)
        self.label_attention = LabelAttention(codes, attended, 2 * hidden)
        for matrix in (self.projection.weight, self.label_attention.queries, self.label_attention.weights):
            nn.init.normal_(matrix, 0.0, SPREAD)
        self.mask_padding = mask_padding

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        mask = batch.mask if self.mask_padding else torch.ones_like(batch.mask)
        states = self.lstm(self.words(batch.tokens, batch.mask), batch.mask)
        keys = torch.tanh(self.projection(states))
        return self.label_attention(keys, states, mask, attention_codes, batch.targets)
