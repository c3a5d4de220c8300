"""DR-CAML: CAML whose output weights are drawn to encodings of the codes' descriptions.

Mullenbach et al., "Explainable Prediction of Medical Codes from Clinical Text", NAACL 2018, arXiv 1802.05695. To CAML
(see models/caml.py) it adds, for the words d of the description of code ℓ,

    z_ℓ = W_z · max_n tanh(conv_k(d))_n + b_z
    loss = BCE + λ · 1/B · Σ_i 1/F · Σ_{ℓ ∈ gold of note i} ‖β_ℓ − z_ℓ‖²

with word vectors, a convolution and a matrix of its own for descriptions; B notes in a batch, F filters. A code that no
training note has is scored with β_ℓ = z_ℓ and b_ℓ = 0.

Where the authors' code does otherwise:
- It puts the weights of a note's codes in ascending order and their descriptions in the order of a Python set, so that
  most weights are drawn to the description of another code of the note. Here, each is drawn to its own; `set_order =
  true` repeats that. A set of whole numbers has a fixed order, but for those that fall upon the same place, which stand
  as they came; the authors' come as the note's codes stand in the table, and here they come in ascending order.
- It fills the descriptions of a note up to the longest of them and lets the filling take part in the maximum. Here, the
  states are those of the description's tokens; `pool_padding = true` repeats that.
- It keeps the position past the end that a kernel of even width yields, of a note as of a description;
  `trailing_position = true` adds it, as weights trained by the authors' code need it.
- It overwrites the weights of codes without training notes before each evaluation. Here, they are replaced in
  evaluation and stay as they are.
- Padding as in models/caml.py; `mask_padding = false` repeats the code.
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.knowledge import descriptions
from icdcoder.nn.contract import PAD, Batch, ModelContext, Scores
from icdcoder.nn.convolution import TokenConvolution, with_trailing, without_trailing
from icdcoder.nn.knowledge_tables import token_table
from icdcoder.nn.label_attention import LabelAttention, attention, label_logits
from icdcoder.nn.word_embedding import WordEmbedding, embed_words


class Config(Settings):
    """The authors' sizes and λ for all codes of MIMIC-III; for its 50 most frequent codes they take regulariser = 10.

    description_tokens: a description is cut to so many. descriptions: a file of better ones (knowledge/code_texts.py).
    set_order, pool_padding: how the authors' code draws weights to descriptions, see above.
    """

    embedding: int = Field(100, gt=0)
    freeze_words: bool = False
    filters: int = Field(50, gt=0)
    kernel: int = Field(10, gt=0)
    dropout: float = Field(0.2, ge=0, lt=1)
    regulariser: float = Field(0.01, ge=0)
    description_tokens: int = Field(40, gt=0)
    descriptions: Path | None = None
    mask_padding: bool = True
    trailing_position: bool = False
    set_order: bool = False
    pool_padding: bool = False


def build(config: Config, context: ModelContext) -> DRCAML:
    """Raises ConfigError where given word vectors do not fit the configuration, InputError for a bad file."""
    words = embed_words(context, config.embedding, config.dropout, config.freeze_words)
    codes = len(context.space)
    texts = [""] * codes if context.encode is None else descriptions.of(context.space, config.descriptions)
    unseen = torch.zeros(codes, dtype=torch.bool)
    if context.code_notes is not None:
        unseen = torch.tensor(context.code_notes) == 0
    return DRCAML(
        words,
        config.embedding,
        token_table(texts, config.description_tokens, context),
        unseen,
        filters=config.filters,
        kernel=config.kernel,
        regulariser=config.regulariser,
        mask_padding=config.mask_padding,
        trailing_position=config.trailing_position,
        set_order=config.set_order,
        pool_padding=config.pool_padding,
    )


class DRCAML(nn.Module):
    def __init__(
        self,
        words: WordEmbedding,
        embedding: int,
        descriptions: Int[Tensor, "code width"],
        unseen: Bool[Tensor, "code"],
        *,
        filters: int,
        kernel: int,
        regulariser: float,
        mask_padding: bool = True,
        trailing_position: bool = False,
        set_order: bool = False,
        pool_padding: bool = False,
    ) -> None:
        super().__init__()
        self.words = words
        self.convolution = TokenConvolution(embedding, filters, kernel, trailing=trailing_position)
        self.label_attention = LabelAttention(len(descriptions), filters, filters)
        vectors = words.embedding.weight.detach()
        self.description_encoder = DescriptionEncoder(vectors, filters, kernel, trailing=trailing_position)
        nn.init.xavier_uniform_(self.convolution.convolution.weight)
        self.regulariser = regulariser
        self.mask_padding = mask_padding
        self.set_order, self.pool_padding = set_order, pool_padding
        self.descriptions: Tensor
        self.unseen: Tensor
        self.register_buffer("descriptions", descriptions)
        self.register_buffer("unseen", unseen)

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        mask = batch.mask if self.mask_padding else torch.ones_like(batch.mask)
        states = torch.tanh(self.convolution(self.words(batch.tokens, batch.mask), mask))
        weights, bias = self._output()
        queries, trailing = self.label_attention.queries, self.convolution.trailing
        positions = with_trailing(mask) if trailing else mask
        shares = None
        if attention_codes is not None:
            shares = attention(states.float(), positions, queries[attention_codes].float())
            shares = without_trailing(mask, shares) if trailing else shares
        logits = label_logits(states, states, positions, queries, weights, bias, batch.targets)
        gold = batch.targets if self.training else None
        return Scores(logits, shares, None if gold is None else self._penalty(gold))

    def _output(self) -> tuple[Float[Tensor, "code filters"], Float[Tensor, "code"]]:
        weights, bias = self.label_attention.weights, self.label_attention.bias
        if self.training or not self.unseen.any():
            return weights, bias
        described = self._described(self.unseen).to(weights.dtype)
        return weights.index_put((self.unseen,), described), bias.masked_fill(self.unseen, 0.0)

    def _penalty(self, targets: Float[Tensor, "note code"]) -> Float[Tensor, ""]:
        """A code counts once for each note of the batch that has it; it is encoded once."""
        if self.set_order or self.pool_padding:
            return self._penalty_note_by_note(targets)
        times = targets.sum(0)
        codes = times.nonzero().squeeze(1)
        described = self.description_encoder(self.descriptions[codes]).float()
        apart = (self.label_attention.weights[codes] - described).square().mean(1)
        return self.regulariser * (times[codes] * apart).sum() / len(targets)

    def _penalty_note_by_note(self, targets: Float[Tensor, "note code"]) -> Float[Tensor, ""]:
        """The same where it matters which codes a note has beside each other."""
        total = targets.new_zeros(())
        for note in targets:
            gold = note.nonzero().squeeze(1)
            if len(gold):
                order = torch.tensor(list(set(gold.tolist())), device=gold.device) if self.set_order else gold
                apart = self.label_attention.weights[gold] - self._described(order).float()
                total = total + apart.square().mean(1).sum()
        return self.regulariser * total / len(targets)

    def _described(self, codes: Tensor) -> Float[Tensor, "described filters"]:
        """z of these codes, which are given by index or as a mask."""
        texts = self.descriptions[codes]
        if self.pool_padding:
            texts = texts[:, : max(1, int((texts != PAD).sum(1).max()))]
        return self.description_encoder(texts, pool_padding=self.pool_padding)


class DescriptionEncoder(nn.Module):
    """Descriptions → vectors as wide as the output weights. It begins with a copy of the notes' word vectors."""

    def __init__(
        self, vectors: Float[Tensor, "word embedding"], filters: int, kernel: int, *, trailing: bool = False
    ) -> None:
        super().__init__()
        self.words = WordEmbedding(*vectors.shape, vectors=vectors)
        self.convolution = TokenConvolution(vectors.shape[1], filters, kernel, trailing=trailing)
        self.output = nn.Linear(filters, filters)
        nn.init.xavier_uniform_(self.convolution.convolution.weight)
        nn.init.xavier_uniform_(self.output.weight)

    def forward(
        self, tokens: Int[Tensor, "text token"], *, pool_padding: bool = False
    ) -> Float[Tensor, "text filters"]:
        """pool_padding: the maximum is over all positions that are given."""
        mask = tokens != PAD
        words = self.words(tokens, mask)
        mask = torch.ones_like(mask) if pool_padding else mask
        states = torch.tanh(self.convolution(words, mask))
        positions = with_trailing(mask) if self.convolution.trailing else mask
        return self.output(states.masked_fill(~positions[..., None], -1.0).amax(1))
