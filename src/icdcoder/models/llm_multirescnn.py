"""LLAMA2-R + MultiResCNN: the token states of a large language model in the place of word vectors.

"Automatic diagnosis from clinical texts" (BIBM 2024, arXiv 2411.06823), equations 4 and 5, with the encoder of
MultiResCNN (Li and Yu 2020, arXiv 1912.00862). For the states E of a frozen model, one row a token:

    Z = reduction(E)        H = [residual filter of width s over Z, for all s]        attention and output as CAML

with dropout on Z. The reductions that the paper names, in the forms that it leaves open:

    cnn-1024            tanh(Conv_3(E)) of 1,024 filters; 768, 512, 300 and 100 likewise, or any other number
    cnn-1024_map_256    the same, then tanh(Conv_1) to 256: the paper's choice
    residual-4096       none: the filters read E itself and keep its width
    residual-128        the first convolution of each filter goes to 128, where one more residual block follows
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.core.errors import ConfigError
from icdcoder.core.progress import SILENT, Progress
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.convolution import TokenConvolution
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.pretrained.encoder import load_encoder
from icdcoder.nn.pretrained.frozen_states import FrozenStates
from icdcoder.nn.pretrained.loading import Attention, Weights, require_learnable
from icdcoder.nn.pretrained.rope import Scaling
from icdcoder.nn.pretrained.state_cache import Type
from icdcoder.nn.pretrained.token_encoder import TokenEncoder
from icdcoder.nn.residual_filter import ResidualFilter

_CNN = re.compile(r"cnn-(\d+)(?:_map_(\d+))?")
# Tokens whose states are computed together for the cache.
TOGETHER = 8192
_RESIDUAL = re.compile(r"residual-(\d+)")


class Config(Settings):
    """checkpoint: folder of the pretrained model. architecture: what a packed coder holds in its place.

    layer: whose states are read: 0, the embeddings, to the last, which −1 names too; or "mix", a learned weighted mean
    of all. frozen: the pretrained model is not trained. context, scaling, beta_fast, beta_slow, attention_factor,
    chunk, overlap, weights, attention, bidirectional: as in llm_classifier. kernels, blocks, dropout: as in
    multirescnn.

    cache: a folder for the frozen states, which are then computed once, before training, and not in each epoch.
    cache_type: how a number is kept there. cache_reserve_gb: what must stay free on its disk.
    """

    checkpoint: Path | None = None
    architecture: dict[str, Any] | None = None
    reduction: str = "cnn-1024_map_256"
    layer: int | Literal["mix"] = -1
    kernels: tuple[int, ...] = Field((3, 5, 9, 15, 19, 25), min_length=1)
    blocks: tuple[int, ...] = Field((50,), min_length=1)
    dropout: float = Field(0.2, ge=0, lt=1)
    frozen: bool = True
    context: int | None = Field(None, gt=0)
    scaling: Scaling = "yarn"
    beta_fast: float | None = Field(None, gt=0)
    beta_slow: float | None = Field(None, gt=0)
    attention_factor: float | None = Field(None, gt=0)
    chunk: int | None = Field(None, gt=0)
    overlap: int = Field(0, ge=0)
    weights: Weights = "float32"
    attention: Attention = "sdpa"
    bidirectional: bool = False
    cache: Path | None = None
    cache_type: Type = "bfloat16"
    cache_reserve_gb: float = Field(10.0, ge=0)

    @field_validator("reduction")
    @classmethod
    def _known(cls, reduction: str) -> str:
        Reduction.parse(reduction)
        return reduction

    @field_validator("kernels", "blocks")
    @classmethod
    def _positive(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if any(width < 1 for width in widths):
            raise ValueError("every width must be at least 1.")
        return widths

    @field_validator("kernels")
    @classmethod
    def _odd(cls, kernels: tuple[int, ...]) -> tuple[int, ...]:
        if any(kernel % 2 == 0 for kernel in kernels):
            raise ValueError("the widths of the filters must be odd, so that a state stands at each token.")
        return kernels

    @model_validator(mode="after")
    def _learnable(self) -> Config:
        require_learnable(self.weights, not self.frozen)
        return self


@dataclass(frozen=True, slots=True)
class Reduction:
    """widths: of the convolutions between the states and the filters. first: to which width the first convolution of a
    filter goes; None: it keeps the width."""

    widths: tuple[int, ...] = ()
    first: int | None = None

    @classmethod
    def parse(cls, name: str) -> Reduction:
        """Raises ValueError for a name of another form."""
        if found := _CNN.fullmatch(name):
            reduction = cls(tuple(int(width) for width in found.groups() if width))
        elif found := _RESIDUAL.fullmatch(name):
            reduction = cls(first=int(found[1]))
        else:
            raise ValueError("a reduction is cnn-N, cnn-N_map_M or residual-N, as cnn-1024_map_256.")
        if not all((*reduction.widths, 1 if reduction.first is None else reduction.first)):
            raise ValueError("every width must be at least 1.")
        return reduction


def build(config: Config, context: ModelContext) -> LLMMultiResCNN:
    """Raises ConfigError where the checkpoint is missing or does not fit, MissingExtraError without [llm]."""
    encoder = load_encoder(config, context.vocabulary_size, frozen=config.frozen, encode=context.encode)
    if config.layer != "mix" and not -1 <= config.layer <= encoder.layers:
        raise ConfigError(f"'model.layer' is {config.layer}; the pretrained model has layers 0 to {encoder.layers}.")
    if config.cache is not None and not config.frozen:
        raise ConfigError("'model.cache' keeps the states of a frozen model: set model.frozen = true, or no cache.")
    # A packed coder, which is built from an architecture, reads few notes and goes where the cache is not.
    cache = config.cache if config.architecture is None else None
    return LLMMultiResCNN(
        encoder,
        len(context.space),
        layer=config.layer,
        cache=cache,
        cache_type=config.cache_type,
        cache_reserve=round(config.cache_reserve_gb * 1e9),
        reduction=Reduction.parse(config.reduction),
        kernels=config.kernels,
        blocks=config.blocks,
        dropout=config.dropout,
    )


class LLMMultiResCNN(nn.Module):
    def __init__(
        self,
        encoder: TokenEncoder,
        codes: int,
        *,
        layer: int | Literal["mix"],
        reduction: Reduction,
        kernels: Sequence[int],
        blocks: Sequence[int],
        dropout: float,
        cache: Path | None = None,
        cache_type: Type = "bfloat16",
        cache_reserve: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.layers = FrozenStates(encoder, layer, cache, cache_type)
        self.cache_reserve = cache_reserve
        self.mix = LayerMix(encoder.layers + 1) if layer == "mix" else None
        self.reduction = Reducer(encoder.hidden, reduction.widths)
        width = reduction.widths[-1] if reduction.widths else encoder.hidden
        first = width if reduction.first is None else reduction.first
        # Where the states were not reduced before the filters but in them, one more block works at the new width.
        plan = (first, *blocks) if first != width else tuple(blocks)
        self.dropout = nn.Dropout(dropout)
        self.filters = nn.ModuleList(ResidualFilter(width, first, kernel, plan, dropout) for kernel in kernels)
        hidden = len(kernels) * blocks[-1]
        self.label_attention = LabelAttention(codes, hidden, hidden)

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        states = self.dropout(self.reduction(self.states(batch).to(self.label_attention.queries.dtype), batch.mask))
        found = torch.cat([one(states, batch.mask) for one in self.filters], 2)
        return self.label_attention(found, found, batch.mask, attention_codes, batch.targets)

    def states(self, batch: Batch) -> Float[Tensor, "note token hidden"]:
        """What the language model makes of each token."""
        layers = self.layers(batch.tokens, batch.mask)
        return layers[0] if self.mix is None else self.mix(layers)

    def before_training(self, notes: Sequence[TokenisedNotes], progress: Progress = SILENT) -> None:
        """Fills the cache, if there is one, with the states of all notes that training will see. Raises ConfigError
        where the disk has no room for them."""
        if self.layers.folder is not None:
            every = (tokens for some in notes for tokens in some.tokens)
            self.layers.fill(every, together=TOGETHER, reserve=self.cache_reserve, progress=progress)


class LayerMix(nn.Module):
    """γ Σ_j s_j h_j with s a softmax over the layers (Peters et al. 2018, ELMo, equation 1)."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.shares = nn.Parameter(torch.zeros(layers))
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, layers: Sequence[Float[Tensor, "note token hidden"]]) -> Float[Tensor, "note token hidden"]:
        mixed = torch.zeros_like(layers[0])
        for share, states in zip(self.shares.softmax(0), layers, strict=True):
            mixed = mixed + share * states
        return self.scale * mixed


class Reducer(nn.Module):
    """tanh(Conv_3), then tanh(Conv_1) for each further width; no width leaves the states as they are."""

    def __init__(self, states: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            TokenConvolution(before, after, 1 if i else 3)
            for i, (before, after) in enumerate(zip((states, *widths), widths, strict=False))
        )

    def forward(
        self, states: Float[Tensor, "note token states"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token reduced"]:
        for convolution in self.convolutions:
            states = torch.tanh(convolution(states, mask))
        return states
