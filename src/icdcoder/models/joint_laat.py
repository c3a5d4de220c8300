"""JointLAAT: LAAT that scores the categories of the codes first, and then the codes with these scores beside the note.

Vu, Nguyen and Nguyen, "A Label Attention Model for ICD Coding from Clinical Text", IJCAI 2020, arXiv 2007.06351.
As in LAAT (see models/laat.py), an LSTM gives the states H. Each level k, 1: categories, 2: codes, has an attention of
its own, Z^k = tanh(W^k H), which yields v^k_ℓ = Σ_t softmax_t(u^k_ℓ · z^k_t) h_t, and

    logit¹_ℓ = w¹_ℓ · v¹_ℓ + b¹_ℓ
    s = σ(P σ(logit¹))                                        "projection" numbers a note
    logit²_ℓ = w²_ℓ · [v²_ℓ ; s] + b²_ℓ
    loss = (n₁ BCE₁ + n₂ BCE₂) / (n₁ + n₂)                    n_k: labels of level k

A note has a category where it has a code of it. The authors' categories are the characters before the dot; here, they
are those of the code system, which for ICD-9-CM and ICD-10-CM is the same.

Where the authors' code does otherwise: as said in models/laat.py (`mask_padding`, `freeze_words`).
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from icdcoder.core.config import Settings
from icdcoder.knowledge import hierarchy
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.knowledge_tables import sized_by_state
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.recurrent import BidirectionalLSTM
from icdcoder.nn.word_embedding import WordEmbedding, embed_words

SPREAD = 0.03  # standard deviation of the initial matrices


class Config(Settings):
    """The authors' sizes for all codes of MIMIC-III; for its 50 most frequent codes they take hidden = attended = 256.

    hidden: width of each direction of the LSTM (u). attended: width of keys and queries (d_a). projection: width of
    what the codes are told of the categories (p). hierarchy: a file of another tree of codes (knowledge/hierarchy.py).
    """

    embedding: int = Field(100, gt=0)
    freeze_words: bool = False
    hidden: int = Field(512, gt=0)
    layers: int = Field(1, gt=0)
    attended: int = Field(512, gt=0)
    projection: int = Field(128, gt=0)
    dropout: float = Field(0.3, ge=0, lt=1)
    mask_padding: bool = True
    hierarchy: Path | None = None


def build(config: Config, context: ModelContext) -> JointLAAT:
    """Raises ConfigError where given word vectors do not fit the configuration, InputError for a bad file."""
    # Weights that will come from a file bring their categories along.
    levels = hierarchy.chain(context.space.codes, config.hierarchy if context.encode is not None else None)
    return JointLAAT(
        embed_words(context, config.embedding, config.dropout, config.freeze_words),
        config.embedding,
        torch.from_numpy(hierarchy.ancestor_of_codes(levels, "category")),
        hidden=config.hidden,
        layers=config.layers,
        attended=config.attended,
        projection=config.projection,
        mask_padding=config.mask_padding,
    )


class JointLAAT(nn.Module):
    """category_of: for each code the index of its category."""

    def __init__(
        self,
        words: WordEmbedding,
        embedding: int,
        category_of: Int[Tensor, "code"],
        *,
        hidden: int,
        layers: int = 1,
        attended: int,
        projection: int,
        mask_padding: bool = True,
    ) -> None:
        super().__init__()
        codes, categories = len(category_of), int(category_of.max()) + 1
        self.words = words
        self.lstm = BidirectionalLSTM(embedding, hidden, layers)
        self.category_keys = nn.Linear(2 * hidden, attended, bias=False)
        self.category_attention = LabelAttention(categories, attended, 2 * hidden)
        self.projection = nn.Linear(categories, projection, bias=False)
        self.code_keys = nn.Linear(2 * hidden, attended, bias=False)
        self.label_attention = LabelAttention(codes, attended, 2 * hidden)
        self.from_categories = nn.Linear(projection, codes, bias=False)
        for attention in (self.category_attention, self.label_attention):
            nn.init.normal_(attention.queries, 0.0, SPREAD)
            nn.init.normal_(attention.weights, 0.0, SPREAD)
        for linear in (self.category_keys, self.projection, self.code_keys, self.from_categories):
            nn.init.normal_(linear.weight, 0.0, SPREAD)
        self.mask_padding = mask_padding
        self.category_of: Tensor
        self.register_buffer("category_of", category_of)
        # Another edition of the tables may group the codes of a saved model otherwise.
        sized_by_state(self.category_attention, "queries", "weights", "bias")
        sized_by_state(self.projection, "weight")

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        mask = batch.mask if self.mask_padding else torch.ones_like(batch.mask)
        states = self.lstm(self.words(batch.tokens, batch.mask), batch.mask)
        categories = self.category_attention(torch.tanh(self.category_keys(states)), states, mask).logits
        told = self.from_categories(
            torch.sigmoid(self.projection(torch.sigmoid(categories).to(self.projection.weight.dtype)))
        )
        keys = torch.tanh(self.code_keys(states))
        scores = self.label_attention(keys, states, mask, attention_codes, batch.targets, told)
        if not self.training or batch.targets is None:
            return scores
        return Scores(scores.logits, scores.attention, self._penalty(categories, scores.logits, batch.targets))

    def _penalty(
        self,
        categories: Float[Tensor, "note category"],
        codes: Float[Tensor, "note code"],
        targets: Float[Tensor, "note code"],
    ) -> Float[Tensor, ""]:
        """The loss of both levels, less the cross entropy of the codes, which training adds."""
        above = torch.zeros_like(categories, dtype=torch.float32).index_add(1, self.category_of, targets).clamp(max=1)
        first = binary_cross_entropy_with_logits(categories.float(), above)
        second = binary_cross_entropy_with_logits(codes.float(), targets)
        share = categories.shape[1] / (categories.shape[1] + codes.shape[1])
        return share * (first - second)
