"""The linear floor: one linear classifier a code over the note's words, weighed as TF-IDF does.

For n_w occurrences of word w in a note, with the words ordered by falling number of training notes (as the vocabulary
is) and r_w the place of w in that order:

    x_w = log(1 + n_w) · log(1 + r_w)        x ← x / |x|        logit_ℓ = w_ℓ · x + b_ℓ

log(1 + r_w) stands for the inverse document frequency: by Zipf's law a word's share of notes falls as 1 / r_w, so that
the two differ by a constant. It needs no counts beside the vocabulary, and is kept with the weights. Word order does
not matter, nor does anything that is not a word of the vocabulary.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.nn.contract import UNKNOWN, Batch, ModelContext, Scores


class Config(Settings):
    """fit: a support vector machine or a logistic regression a code, each fitted to its optimum by scikit-learn, with
    `cost` as its C; [train] counts for neither. "gradient": all at once by the training loop, for label spaces of
    thousands of codes; it ends well below the others.
    dropout: of "gradient", share of the words left out of a note while training. Notes are vectors of length one, so
    that weights have to grow large: learning rates of .01 to .1 are right.
    """

    fit: Literal["svm", "logistic", "gradient"] = "svm"
    cost: float = Field(1.0, gt=0, allow_inf_nan=False)
    dropout: float = Field(0.1, ge=0, lt=1)


# What a run did that was made before a setting was known.
EARLIER = {"fit": "gradient"}


def build(config: Config, context: ModelContext) -> Linear:
    return Linear(context.vocabulary_size, len(context.space), dropout=config.dropout)


class Linear(nn.Module):
    """words: size of the vocabulary, padding and the unknown word included."""

    rarity: Float[Tensor, "word"]

    def __init__(self, words: int, codes: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        rank = (torch.arange(words) - UNKNOWN).clamp(min=0)
        self.register_buffer("rarity", torch.log1p(rank.float()))
        self.dropout = nn.Dropout(dropout)
        # No code is likelier than another, and most are absent, before anything is learnt.
        self.weights = nn.Parameter(torch.zeros(codes, words))
        self.bias = nn.Parameter(torch.full((codes,), -3.0))

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        words = self.dropout(self.bag(batch.tokens, batch.mask))
        logits = nn.functional.linear(words.to(self.weights.dtype), self.weights, self.bias)
        if attention_codes is None:
            return Scores(logits)
        return Scores(logits, self._share(batch, words, attention_codes))

    def bag(self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"]) -> Float[Tensor, "note word"]:
        """The TF-IDF vector of each note; 0 throughout for a note without a known word."""
        counts = torch.zeros(len(tokens), len(self.rarity), device=tokens.device)
        counts.scatter_add_(1, tokens, mask.float())
        return nn.functional.normalize(torch.log1p(counts) * self.rarity, dim=1)

    def _share(
        self, batch: Batch, words: Float[Tensor, "note word"], asked: Int[Tensor, "asked"]
    ) -> Float[Tensor, "note asked token"]:
        """What each token adds to the logit, as a softmax, since attention has to be a distribution."""
        some = batch.mask.any(1)[:, None, None]
        added = (words[:, None] * self.weights[asked]).gather(2, batch.tokens[:, None].expand(-1, len(asked), -1))
        hidden = ~batch.mask[:, None]
        return added.masked_fill(hidden & some, -torch.inf).softmax(2).masked_fill(hidden, 0.0)
