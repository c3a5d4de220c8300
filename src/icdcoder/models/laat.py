"""LAAT: label attention over a bidirectional LSTM (Vu et al., IJCAI 2020).

    H = BiLSTM(E)                  "token 2u"     (equations 1-3)
    Z = tanh(H W)                  "token d_a"    (equation 4)
    α_c = softmax(Z u_c)                          (equation 5)
    logit_c = b_c + w_c · Hᵀ α_c                  (equations 6-7)

Where we differ from the authors' code: padding is masked (there it takes a share of the attention, so that logits
depend on the batch); word vectors are trained (there they are frozen by default).
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.recurrent import BidirectionalLSTM
from icdcoder.nn.word_embedding import WordEmbedding

# Standard deviation of the attention's and the output's weights at the start.
SPREAD = 0.03


class Config(Settings):
    """width: of word vectors. hidden: of one LSTM direction (the paper: 512 for full MIMIC-III, 256 for its top 50).

    attention: d_a. dropout: on word vectors.
    """

    width: int = Field(default=100, ge=1)
    hidden: int = Field(default=512, ge=1)
    attention: int = Field(default=512, ge=1)
    dropout: float = Field(default=0.3, ge=0, lt=1)


class Laat(nn.Module):
    def __init__(
        self,
        vocabulary: int,
        codes: int,
        *,
        width: int,
        hidden: int,
        attention: int,
        dropout: float,
        vectors: Float[Tensor, "word width"] | None = None,
    ) -> None:
        super().__init__()
        self.words = WordEmbedding(vocabulary, width, dropout, vectors)
        self.reader = BidirectionalLSTM(width, hidden)
        self.projection = nn.Linear(2 * hidden, attention, bias=False)
        self.labels = LabelAttention(codes, attention, 2 * hidden)
        for weight in (self.projection.weight, self.labels.queries, self.labels.weights):
            nn.init.normal_(weight, std=SPREAD)

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        states = self.reader(self.words(batch.tokens, batch.mask), batch.mask)
        return self.labels(torch.tanh(self.projection(states)), states, batch.mask, attention_codes)


def build(config: Config, context: ModelContext) -> Laat:
    return Laat(
        context.vocabulary_size,
        len(context.space),
        width=config.width,
        hidden=config.hidden,
        attention=config.attention,
        dropout=config.dropout,
        vectors=context.word_vectors,
    )
