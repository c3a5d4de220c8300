"""TransICD: a small transformer, code-wise attention, and margins that grow for rare codes.

Biswas, Pham and Zhang, "TransICD: Transformer Based Code-wise Attention Model for Explainable ICD Coding", AIME 2021,
arXiv 2104.10652. For word vectors e of width E, the sinusoids p of Vaswani et al. 2017, and n_ℓ training notes with ℓ:

    x_t = √E · e_t + p_t                      H = Transformer(x)
    A = softmax(W₂ tanh(W₁ H + b₁))           each code over the tokens
    V = H Aᵀ                                  logit_ℓ = w_ℓ · v_ℓ + b_ℓ
    loss = BCE(σ(logit_ℓ − y_ℓ Δ_ℓ), y)       Δ_ℓ = C / n_ℓ^¼, in training only

with dropout behind the sum, and within the transformer's layers (normalised behind each part, ReLU).

Where the authors' code does otherwise:
- It looks the sinusoids up by the note's place in the batch, so that every token of a note gets the same one: there are
  no positions, and a score depends on where in a batch the note stands. `position_of_note = true` repeats that. Its
  batches are of eight notes; in larger ones, the places are counted anew from each eighth, as no others were learnt.
- It freezes the word vectors, which come from word2vec. Here, they are trained; `freeze_words = true`
  freezes given ones.
- W₂ has a bias, which moves the scores of all tokens alike and so changes nothing; it has no part here.
- It applies the dropout behind the sum twice; here, once. `dropout_twice = true` repeats that, in training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from icdcoder.core.config import Settings
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.dropout import Dropout
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.transformer import transformed
from icdcoder.nn.word_embedding import WordEmbedding, embed_words

AUTHORS_BATCH = 8  # notes, in training and in evaluation


class Config(Settings):
    """The authors' sizes for the 50 most frequent codes of MIMIC-III.

    embedding: width of words and states (E), even, a multiple of heads. feed_forward and attended: widths inside, as
    multiples of it. margin: C; 0 trains with the plain cross entropy. position_of_note, dropout_twice: see above.
    """

    embedding: int = Field(128, gt=0)
    freeze_words: bool = False
    layers: int = Field(2, gt=0)
    heads: int = Field(8, gt=0)
    feed_forward: int = Field(4, gt=0)
    attended: int = Field(2, gt=0)
    dropout: float = Field(0.1, ge=0, lt=1)
    margin: float = Field(3.0, ge=0)
    position_of_note: bool = False
    dropout_twice: bool = False

    @model_validator(mode="after")
    def _divides(self) -> Config:
        if self.embedding % self.heads or self.embedding % 2:
            raise ValueError("'embedding' must be even, and a multiple of 'heads'.")
        return self


def build(config: Config, context: ModelContext) -> TransICD:
    """Raises ConfigError where given word vectors do not fit the configuration."""
    return TransICD(
        embed_words(context, config.embedding, 0.0, config.freeze_words),
        config.embedding,
        margins(context.code_notes or [0] * len(context.space), config.margin),
        layers=config.layers,
        heads=config.heads,
        feed_forward=config.feed_forward * config.embedding,
        attended=config.attended * config.embedding,
        dropout=config.dropout,
        position_of_note=config.position_of_note,
        dropout_twice=config.dropout_twice,
    )


def margins(code_notes: Sequence[int], margin: float) -> Float[Tensor, "code"]:
    """Δ of each code; one without training notes counts as if it had one."""
    return margin / torch.tensor(code_notes, dtype=torch.float32).clamp(min=1).pow(0.25)


class TransICD(nn.Module):
    """margins: what a code's logit must exceed the decision by where it is gold."""

    def __init__(
        self,
        words: WordEmbedding,
        embedding: int,
        margins: Float[Tensor, "code"],
        *,
        layers: int,
        heads: int,
        feed_forward: int,
        attended: int,
        dropout: float,
        position_of_note: bool = False,
        dropout_twice: bool = False,
    ) -> None:
        super().__init__()
        self.words = words
        self.dropout = Dropout(dropout)
        layer = nn.TransformerEncoderLayer(embedding, heads, feed_forward, dropout, batch_first=True)
        self.transformer = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.projection = nn.Linear(embedding, attended)
        self.label_attention = LabelAttention(len(margins), attended, embedding)
        for matrix in (self.label_attention.queries, self.label_attention.weights):
            nn.init.uniform_(matrix, -(matrix.shape[1] ** -0.5), matrix.shape[1] ** -0.5)
        self.position_of_note, self.dropout_twice = position_of_note, dropout_twice
        self.margins: Tensor
        self.register_buffer("margins", margins)

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        words = self.words(batch.tokens, batch.mask)
        words = words * math.sqrt(words.shape[2])
        if self.position_of_note:
            place = torch.arange(len(words), device=words.device) % AUTHORS_BATCH
            words = words + sinusoids(AUTHORS_BATCH, words)[place, None]
        else:
            words = words + sinusoids(words.shape[1], words)
        words = self.dropout(words)
        if self.dropout_twice:
            words = self.dropout(words)
        states = transformed(self.transformer, words, batch.mask)
        states = states.masked_fill(~batch.mask[..., None], 0.0)
        keys = torch.tanh(self.projection(states))
        scores = self.label_attention(keys, states, batch.mask, attention_codes)
        if not self.training or batch.targets is None:
            return scores
        logits = scores.logits.float()
        plain = binary_cross_entropy_with_logits(logits, batch.targets)
        harder = binary_cross_entropy_with_logits(logits - batch.targets * self.margins, batch.targets)
        return Scores(scores.logits, scores.attention, harder - plain)


def sinusoids(count: int, like: Float[Tensor, "... width"]) -> Float[Tensor, "{count} width"]:
    """p of positions 0, 1, … : sin and cos in turn, of wavelengths from 2π to 20,000 π."""
    width = like.shape[-1]
    place = torch.arange(count, device=like.device, dtype=torch.float32)[:, None]
    step = torch.exp(torch.arange(0, width, 2, device=like.device) * (-math.log(10_000.0) / width))
    return torch.stack([torch.sin(place * step), torch.cos(place * step)], 2).flatten(1).to(like.dtype)
