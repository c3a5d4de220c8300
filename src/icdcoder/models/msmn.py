"""MSMN: a multi-synonyms matching network. Each synonym of a code reads the note; codes have no weights of their own.

Yuan, Tan and Huang, "Code Synonyms Do Matter: Multiple Synonyms Matching Network for Automatic ICD Coding", ACL 2022,
arXiv 2203.01515. One encoder E (word vectors, a bidirectional LSTM, and a linear layer where its width differs) reads
the note, H = E(note), and the K synonyms of code ℓ, q_ℓk = max_t E(synonym k)_t. With K heads, one a synonym:

    Z = tanh(W H + b), cut into Z_1 … Z_K             u_ℓk = Q q_ℓk + b_Q
    α_ℓk = softmax_t(u_ℓk · z_k,t)                    m_ℓ = max_k Σ_t α_ℓk,t h_t        (of each component)
    q_ℓ = max_k q_ℓk                                  logit_ℓ = m_ℓ · (B q_ℓ + b_B) + (c · q_ℓ + b_c)

with dropout on the word vectors, on m, and between the LSTM's layers. Training sees each note twice, under two
dropouts (R-Drop, Liang et al. 2021), with logits z and z':

    loss = ½ (BCE(z) + BCE(z')) + λ ½ (KL(p‖p') + KL(p'‖p)) / (notes · codes),    p = softmax over codes of z

A code with fewer than K synonyms has them in turns; one of which nothing is known has a single unknown word.

Where the authors' code does otherwise:
- Its synonyms come from UMLS, in random order; here, they are those of knowledge/synonyms.py, in its order;
  `synonyms_file` brings others.
- In the maximum over a synonym's tokens the zeros behind it take part, which the linear layer, where there is one,
  makes its bias of; `pool_padding = true` repeats that.
- It reads a synonym as often as it stands. Here it is read once, since two in three do where codes take theirs in
  turns; under dropout its copies do not differ.
- The KL is over a softmax of codes, though these are no alternatives; that is kept, as `r_drop` rests on its size.
The attention given to explainers is the mean over the synonyms.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax
from torch.utils.checkpoint import checkpoint

from icdcoder.core.config import Settings
from icdcoder.knowledge import synonyms
from icdcoder.nn.contract import PAD, Batch, ModelContext, Scores
from icdcoder.nn.dropout import Dropout
from icdcoder.nn.knowledge_tables import token_table
from icdcoder.nn.recurrent import BidirectionalLSTM
from icdcoder.nn.remembered import Remembered
from icdcoder.nn.synonym_reading import greatest_reading
from icdcoder.nn.word_embedding import WordEmbedding, embed_words

# Words of synonyms of like length that are encoded at once, padding included. What is inside of the first so many for
# each note of the batch is kept for the backward pass; of more it is computed anew, as it would outgrow what plain
# attention to the notes would hold.
WORDS, KEPT = 16_384, 40_000


class Config(Settings):
    """The authors' sizes for all codes of MIMIC-III; for its 50 most frequent codes: hidden = 512, layers = 1,
    synonyms = 8.

    hidden: width of the LSTM's states, both directions together. attended: width of H and Z, a multiple of synonyms.
    synonyms: K. synonym_tokens: a synonym is cut to so many. r_drop: λ; 0 sees each note once.
    lstm_dropout: on what a layer of the LSTM passes to the next; of no account for one layer.
    """

    embedding: int = Field(100, gt=0)
    freeze_words: bool = False
    hidden: int = Field(256, gt=1, multiple_of=2)
    layers: int = Field(2, gt=0)
    attended: int = Field(512, gt=0)
    synonyms: int = Field(4, gt=0)
    synonym_tokens: int = Field(30, gt=0)
    synonyms_file: Path | None = None
    dropout: float = Field(0.2, ge=0, lt=1)
    r_drop: float = Field(5.0, ge=0)
    lstm_dropout: float = Field(0.1, ge=0, lt=1)
    pool_padding: bool = False

    @model_validator(mode="after")
    def _divides(self) -> Config:
        if self.attended % self.synonyms:
            raise ValueError("'attended' must be a multiple of 'synonyms'.")
        return self


def build(config: Config, context: ModelContext) -> MSMN:
    """Raises ConfigError where given word vectors do not fit the configuration, InputError for a bad file."""
    names: list[str] = [""] * (len(context.space) * config.synonyms)
    if context.encode is not None:
        found = (known or ("",) for known in synonyms.of(context.space.codes, config.synonyms_file))
        names = [known[k % len(known)] for known in found for k in range(config.synonyms)]
    return MSMN(
        embed_words(context, config.embedding, config.dropout, config.freeze_words),
        config.embedding,
        token_table(names, config.synonym_tokens, context).unflatten(0, (-1, config.synonyms)),
        hidden=config.hidden,
        layers=config.layers,
        attended=config.attended,
        dropout=config.dropout,
        r_drop=config.r_drop,
        lstm_dropout=config.lstm_dropout,
        pool_padding=config.pool_padding,
    )


class MSMN(nn.Module):
    def __init__(
        self,
        words: WordEmbedding,
        embedding: int,
        synonyms: Int[Tensor, "code synonym width"],
        *,
        hidden: int,
        layers: int,
        attended: int,
        dropout: float,
        r_drop: float = 0.0,
        lstm_dropout: float = 0.0,
        pool_padding: bool = False,
    ) -> None:
        super().__init__()
        self.words = words
        self.lstm = BidirectionalLSTM(embedding, hidden // 2, layers, lstm_dropout)
        self.reduction = nn.Identity() if hidden == attended else nn.Linear(hidden, attended)
        self.keys = nn.Linear(attended, attended)
        nn.init.xavier_uniform_(self.keys.weight)
        self.queries = nn.Linear(attended, attended // synonyms.shape[1])
        self.weights = nn.Linear(attended, attended)
        self.bias = nn.Linear(attended, 1)
        self.dropout = Dropout(dropout)
        self.r_drop = r_drop
        self.pool_padding = pool_padding
        self.synonyms: Tensor
        self.register_buffer("synonyms", synonyms)
        self._remembered = Remembered()

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        kept = KEPT * len(batch.tokens)
        names = self._names(kept) if self.training else self._remembered(self._names, self.state_dict().values())
        states = self._encoded(batch.tokens, batch.mask)
        logits = self._logits(states, batch.mask, names)
        read = None
        if attention_codes is not None:
            read = self._attention(self._headed(states), batch.mask, self.queries(names[attention_codes])).mean(1)
        penalty = None
        if self.training and batch.targets is not None and self.r_drop:
            names = self._names(kept)
            again = self._logits(self._encoded(batch.tokens, batch.mask), batch.mask, names)
            penalty = _r_drop(logits.float(), again.float(), batch.targets, self.r_drop)
        return Scores(logits, None if read is None else read.float(), penalty)

    def _encoded(
        self, tokens: Int[Tensor, "text token"], mask: Bool[Tensor, "text token"]
    ) -> Float[Tensor, "text token attended"]:
        return self.reduction(self.lstm(self.words(tokens, mask), mask))

    def _names(self, kept: int = KEPT) -> Float[Tensor, "code synonym attended"]:
        """q: each synonym as a vector. Texts of like length are read together, so that little padding is. kept: see
        KEPT, here of all notes."""
        texts, which = self.synonyms.flatten(0, 1).unique(dim=0, return_inverse=True)
        lengths = (texts != PAD).sum(1)
        order = lengths.argsort()
        pooled, words = [], 0
        for part in order.split(_sizes(lengths[order].tolist())):
            tokens = texts[part, : max(1, int(lengths[part[-1]]))]
            words += tokens.numel()
            again = words > kept and torch.is_grad_enabled()
            pooled.append(checkpoint(self._pooled, tokens, use_reentrant=False) if again else self._pooled(tokens))
        found = torch.cat(pooled)[order.argsort()]
        if self.pool_padding:
            behind = self.reduction(found.new_zeros(2 * self.lstm.lstm.hidden_size))
            found = torch.where((lengths < lengths.max())[:, None], found.maximum(behind.to(found.dtype)), found)
        return found[which].unflatten(0, self.synonyms.shape[:2])

    def _pooled(self, tokens: Int[Tensor, "text token"]) -> Float[Tensor, "text attended"]:
        mask = tokens != PAD
        states = self._encoded(tokens, mask)
        return states.masked_fill(~mask[..., None], torch.finfo(states.dtype).min).amax(1)

    def _headed(self, states: Float[Tensor, "note token attended"]) -> Float[Tensor, "note synonym token part"]:
        """Z, one part a synonym."""
        return torch.tanh(self.keys(states)).unflatten(2, (self.synonyms.shape[1], -1)).transpose(1, 2)

    def _logits(
        self,
        states: Float[Tensor, "note token attended"],
        mask: Bool[Tensor, "note token"],
        names: Float[Tensor, "code synonym attended"],
    ) -> Float[Tensor, "note code"]:
        best = names.amax(1)
        read = self.dropout(greatest_reading(self._headed(states), states, mask, self.queries(names)))
        return (read * self.weights(best)).sum(2) + self.bias(best).squeeze(1)

    def _attention(
        self,
        keys: Float[Tensor, "note synonym token part"],
        mask: Bool[Tensor, "note token"],
        queries: Float[Tensor, "tile synonym part"],
    ) -> Float[Tensor, "note synonym tile token"]:
        """α; exactly 0 on padding, and everywhere in a note without a real token."""
        padding = ~mask[:, None, None]
        scores = (queries.transpose(0, 1) @ keys.transpose(2, 3)).float()
        return torch.softmax(scores.masked_fill(padding, torch.finfo(scores.dtype).min), 3).masked_fill(padding, 0.0)


def _sizes(lengths: Sequence[int]) -> list[int]:
    """Of runs of texts, none of more than WORDS where it is padded to its longest. lengths: rising."""
    sizes = [0]
    for length in lengths:
        if sizes[-1] and (sizes[-1] + 1) * length > WORDS:
            sizes.append(0)
        sizes[-1] += 1
    return sizes


def _r_drop(
    one: Float[Tensor, "note code"], two: Float[Tensor, "note code"], targets: Float[Tensor, "note code"], weight: float
) -> Float[Tensor, ""]:
    """The loss of both passes, less the cross entropy of the first, which training adds."""
    first, second = (binary_cross_entropy_with_logits(logits, targets) for logits in (one, two))
    left, right = log_softmax(one, 1), log_softmax(two, 1)
    apart = (left.exp() - right.exp()) * (left - right)  # of both directions at once
    return 0.5 * (second - first) + weight * 0.5 * apart.mean()
