"""XR-LAT: label attention that goes down the tree of codes, level by level, each level begun with the one above it.

Liu, Perez-Concha, Nguyen, Bennett and Jorm, "Automated ICD coding using extreme multi-label long text transformer-based
models", Artificial Intelligence in Medicine 144, 2023, arXiv 2212.05857. Levels l: chapter, block, category, code. For
the states H of all tokens, each level has

    Z = tanh(W_l H)        A = softmax(U_l Z)        V = A H        logit_ℓ = w_ℓ · v_ℓ + b_ℓ

- Bootstrapping: level l begins with U_l = C_l U_{l−1}, w_l = C_l w_{l−1}, b_l = C_l b_{l−1} and W_l = W_{l−1}, where
  C_l says which node hangs below which.
- Dynamic label sampling: of level l only the children of nodes that level l−1 predicts (p > ½) are scored and, in
  training, those that are gold. The logit of the others is −9.
- XR-LAT-BootstrapHyperC (`hyperbolic = true`): the queries are U_l + P_l W_h, with P_l the nodes' Poincaré embeddings
  (knowledge/hyperbolic.py).

What we do otherwise, and why:
- The authors train four models one after another, each with the encoder of the one before it, and keep all four. Here,
  one encoder serves all levels in one run: a level begins after `batches_per_level` further batches, and the levels
  above it are trained on. Until the codes begin, a code has the logit of the node above it, which is what bootstrapping
  starts from. `batches_per_level = 0` trains all levels from the beginning, without bootstrapping.
- The loss of a level is the mean cross entropy of the labels that it scores; those of the levels are added up.
- In the authors' code the Poincaré embeddings are never given to the layer; here, they are. W_h is one for all levels.
- Every note has ten chunks of 512 in the authors' code, and special tokens and padding get attention as tokens do. Here
  tokens alone are read; `attend_padding = true` repeats the code.
- `encoder = "lstm"` puts LAAT's bidirectional LSTM over words in the place of the pretrained model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from icdcoder.core.config import Settings
from icdcoder.core.errors import InputError
from icdcoder.knowledge import graph_embeddings, hierarchy, hyperbolic
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.knowledge_tables import sized_by_state
from icdcoder.nn.label_attention import LabelAttention, attention, label_logits
from icdcoder.nn.pretrained.chunks import Places
from icdcoder.nn.pretrained.loading import load_pretrained
from icdcoder.nn.pretrained.token_encoder import Chunking, TokenEncoder
from icdcoder.nn.recurrent import WordEncoder
from icdcoder.nn.word_embedding import embed_words

SPREAD = 0.03  # standard deviation of the initial matrices
NOT_SCORED = -9.0
CHUNKS = 10  # of each note, in the authors' code


class Config(Settings):
    """The authors' sizes, with RoBERTa-base-PM-M3-Voc-distill-align as the checkpoint.

    checkpoint, architecture, chunk: of the pretrained model (models/plm_icd.py). embedding, hidden, layers: of the LSTM
    over words. attended: width of keys and queries; None: that of the states. poincare_width, poincare_epochs: of the
    embeddings of the tree. points: a file of other ones, a line a node (knowledge/graph_embeddings.py).
    hierarchy: a file of another tree of codes (knowledge/hierarchy.py).
    attend_padding: ten chunks of each note, with attention to special tokens and padding too; a pretrained model's.
    """

    encoder: Literal["pretrained", "lstm"] = "pretrained"
    checkpoint: Path | None = None
    architecture: dict[str, Any] | None = None
    chunk: int = Field(512, gt=0)
    gradient_checkpointing: bool = False
    embedding: int = Field(100, gt=0)
    freeze_words: bool = False
    hidden: int = Field(512, gt=0)
    layers: int = Field(1, gt=0)
    attended: int | None = Field(None, gt=0)
    dropout: float = Field(0.1, ge=0, lt=1)
    batches_per_level: int = Field(60_000, ge=0)
    sampling: bool = True
    attend_padding: bool = False
    hyperbolic: bool = False
    poincare_width: int = Field(50, gt=0)
    poincare_epochs: int = Field(50, ge=0)
    points: Path | None = None
    hierarchy: Path | None = None

    @model_validator(mode="after")
    def _pads(self) -> Config:
        if self.attend_padding and self.encoder == "lstm":
            raise ValueError("'attend_padding' is of the chunks of a pretrained model; encoder = \"lstm\" has none.")
        return self


def build(config: Config, context: ModelContext) -> XRLAT:
    """Raises ConfigError where the checkpoint or given word vectors do not fit, MissingExtraError without [llm],
    InputError for a bad file."""
    encoder: TokenEncoder | WordEncoder
    if config.encoder == "pretrained":
        pretrained = load_pretrained(
            config.checkpoint, config.architecture, context.vocabulary_size, encode=context.encode
        )
        encoder = TokenEncoder(pretrained, Chunking(config.chunk), checkpointing=config.gradient_checkpointing)
    else:
        words = embed_words(context, config.embedding, config.dropout, config.freeze_words)
        encoder = WordEncoder(words, config.embedding, config.hidden, config.layers)
    # Weights that will come from a file bring their tree along.
    levels = hierarchy.chain(context.space.codes, config.hierarchy if context.encode is not None else None)
    return XRLAT(
        encoder,
        [torch.from_numpy(level.parents) for level in levels],
        _points(config, context, levels) if config.hyperbolic else None,
        attended=config.attended,
        dropout=config.dropout,
        batches_per_level=config.batches_per_level,
        sampling=config.sampling,
        attend_padding=config.attend_padding,
    )


def _points(config: Config, context: ModelContext, levels: Sequence[hierarchy.Level]) -> list[Tensor]:
    """Of each level its nodes' Poincaré embeddings; zeros where they will come from a file."""
    if context.encode is None:
        return [torch.zeros(len(level.names), config.poincare_width) for level in levels]
    if config.points is None:
        points = hyperbolic.embed(hierarchy.edges(levels), config.poincare_width, epochs=config.poincare_epochs)
    else:
        points = graph_embeddings.read(config.points, unit=False)
        nodes = tuple(dict.fromkeys(name for level in levels for name in level.names))
        _require_points(config.points, points, config.poincare_width, nodes)
    return [torch.tensor([points[name].tolist() for name in level.names]) for level in levels]


def _require_points(path: Path, points: Mapping[str, Any], width: int, nodes: Sequence[str]) -> None:
    missing = [name for name in nodes if name not in points]
    if missing:
        raise InputError(f"{path} lacks {len(missing)} of the {len(nodes)} nodes of the tree, {missing[0]!r} first.")
    found = len(points[nodes[0]])
    if found != width:
        raise InputError(f"The points in {path} have {found} numbers: set model.poincare_width = {found}.")


class XRLAT(nn.Module):
    """parents: of each level its nodes' places in the level above. points: of each level its nodes' embeddings."""

    def __init__(
        self,
        encoder: TokenEncoder | WordEncoder,
        parents: Sequence[Int[Tensor, "_"]],
        points: Sequence[Float[Tensor, "_ ball"]] | None = None,
        *,
        attended: int | None = None,
        dropout: float = 0.0,
        batches_per_level: int = 0,
        sampling: bool = True,
        attend_padding: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        attended = attended or encoder.hidden
        self.dropout = nn.Dropout(dropout)
        self.levels = nn.ModuleList(
            Level(own, encoder.hidden, attended, None if points is None else points[number])
            for number, own in enumerate(parents)
        )
        self.lift = None if points is None else nn.Linear(points[0].shape[1], attended, bias=False)
        if self.lift is not None:
            nn.init.normal_(self.lift.weight, 0.0, SPREAD)
        self.batches_per_level, self.sampling, self.attend_padding = batches_per_level, sampling, attend_padding
        self.batches: Tensor
        self.register_buffer("batches", torch.zeros((), dtype=torch.long))

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        if self.training:
            self._begin_levels()
        if isinstance(self.encoder, TokenEncoder):
            places = self.encoder.places(batch.tokens, batch.mask, self.attend_padding, CHUNKS)
        else:
            places = Places(self.encoder(batch.tokens, batch.mask), batch.mask)
        found, mask = places.states, places.mask
        kind = self.level(0).keys.weight.dtype  # half of what a pretrained model's states have, where it is loaded so
        states = self.dropout(found.to(kind) if found.dtype == torch.float32 else found)
        begun = self.begun
        targets = self._targets(batch.targets) if self.training and batch.targets is not None else None
        loss, active, logits = states.new_zeros(()), None, states.new_zeros(0)
        for number in range(begun):
            level = self.level(number)
            if self.sampling and number:
                active = (logits > 0)[:, level.parents]
                active = active if targets is None else active | (targets[number] > 0)
            logits = level(states, mask, self.lift, active)
            if targets is not None:
                loss = loss + _of_scored(logits, targets[number], active)
        codes = self._node_of_codes(begun)
        logits = logits if codes is None else logits[:, codes]
        read = None
        if attention_codes is not None:
            nodes = attention_codes if codes is None else codes[attention_codes]
            read = places.of_tokens(self.level(begun - 1).attention_of(states, mask, self.lift, nodes))
        if targets is None:
            return Scores(logits, read)
        return Scores(logits, read, loss - binary_cross_entropy_with_logits(logits.float(), targets[-1]))

    @property
    def begun(self) -> int:
        """How many levels, from the top, are trained and used."""
        if not self.batches_per_level:
            return len(self.levels)
        return min(len(self.levels), 1 + max(0, int(self.batches) - 1) // self.batches_per_level)

    def level(self, number: int) -> Level:
        found = self.levels[number]
        assert isinstance(found, Level)
        return found

    def _begin_levels(self) -> None:
        before = self.begun
        self.batches += 1
        for number in range(before, self.begun):
            self.level(number).bootstrap(self.level(number - 1))

    def _targets(self, codes: Float[Tensor, "note code"]) -> list[Tensor]:
        """Gold of each level: a node is gold where one below it is."""
        found = [codes]
        for number in range(len(self.levels) - 1, 0, -1):
            above = codes.new_zeros(len(codes), self.level(number - 1).size)
            found.append(above.index_add(1, self.level(number).parents, found[-1]).clamp(max=1))
        return found[::-1]

    def _node_of_codes(self, begun: int) -> Int[Tensor, "code"] | None:
        """For each code its node on the last level begun; None where that is the code itself."""
        if begun == len(self.levels):
            return None
        found = self.level(len(self.levels) - 1).parents
        for number in range(len(self.levels) - 2, begun - 1, -1):
            found = self.level(number).parents[found]
        return found


class Level(nn.Module):
    def __init__(
        self, parents: Int[Tensor, "node"], hidden: int, attended: int, points: Float[Tensor, "node ball"] | None
    ) -> None:
        super().__init__()
        self.keys = nn.Linear(hidden, attended, bias=False)
        self.label_attention = LabelAttention(len(parents), attended, hidden)
        for matrix in (self.keys.weight, self.label_attention.queries, self.label_attention.weights):
            nn.init.normal_(matrix, 0.0, SPREAD)
        self.parents: Tensor
        self.points: Tensor | None
        self.register_buffer("parents", parents)
        self.register_buffer("points", points)
        # Another edition of the tables may group the codes of a saved model otherwise.
        sized_by_state(self, "parents", *([] if points is None else ["points"]))
        sized_by_state(self.label_attention, "queries", "weights", "bias")

    @property
    def size(self) -> int:
        return len(self.label_attention.bias)

    @torch.no_grad()
    def bootstrap(self, above: Level) -> None:
        """Each node begins with the vectors of the node above it."""
        self.keys.weight.copy_(above.keys.weight)
        for own, other in zip(self.label_attention.parameters(), above.label_attention.parameters(), strict=True):
            own.copy_(other[self.parents])

    def forward(
        self,
        states: Float[Tensor, "note token hidden"],
        mask: Bool[Tensor, "note token"],
        lift: nn.Linear | None,
        active: Bool[Tensor, "note node"] | None,
    ) -> Float[Tensor, "note node"]:
        """active: the nodes to score for each note; None: all."""
        keys, own = torch.tanh(self.keys(states)), self.label_attention
        if active is None:
            return label_logits(keys, states, mask, self._queries(lift), own.weights, own.bias)
        some = active.any(0).nonzero().squeeze(1)
        found = label_logits(keys, states, mask, self._queries(lift)[some], own.weights[some], own.bias[some])
        logits = found.new_full(active.shape, NOT_SCORED).index_copy(1, some, found)
        return logits.masked_fill(~active, NOT_SCORED)

    def attention_of(
        self,
        states: Float[Tensor, "note token hidden"],
        mask: Bool[Tensor, "note token"],
        lift: nn.Linear | None,
        nodes: Int[Tensor, "asked"],
    ) -> Float[Tensor, "note asked token"]:
        keys = torch.tanh(self.keys(states))
        return attention(keys.float(), mask, self._queries(lift)[nodes].float())

    def _queries(self, lift: nn.Linear | None) -> Float[Tensor, "node attended"]:
        queries = self.label_attention.queries
        return queries if lift is None or self.points is None else queries + lift(self.points)


def _of_scored(
    logits: Float[Tensor, "note node"], targets: Float[Tensor, "note node"], active: Bool[Tensor, "note node"] | None
) -> Float[Tensor, ""]:
    """Mean cross entropy of the labels that are scored; 0 where there are none."""
    each = binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")
    return each.mean() if active is None else (each * active).sum() / active.sum().clamp(min=1)
