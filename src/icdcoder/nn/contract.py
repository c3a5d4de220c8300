"""The contract that carries every network: a batch of tensors in, logits (and attention on demand) out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from icdcoder.core.label_space import LabelSpace

PAD = 0
UNKNOWN = 1


@dataclass(frozen=True, slots=True)
class Batch:
    """Notes of like length, padded on the right.

    tokens: vocabulary indices, PAD where mask is False. mask: True on real tokens; never optional.
    targets: gold, 0.0 or 1.0; None where there is none.
    """

    tokens: Int[Tensor, "note token"]
    mask: Bool[Tensor, "note token"]
    targets: Float[Tensor, "note code"] | None = None

    def to(self, device: torch.device | str) -> Batch:
        targets = None if self.targets is None else self.targets.to(device)
        return replace(self, tokens=self.tokens.to(device), mask=self.mask.to(device), targets=targets)


@dataclass(frozen=True, slots=True)
class Scores:
    """logits: log-odds before any sigmoid. attention: for the codes asked for, in the order asked; each row sums
    to 1 over real tokens and is exactly 0 on padding."""

    logits: Float[Tensor, "note code"]
    attention: Float[Tensor, "note asked token"] | None = None


@dataclass(frozen=True, slots=True)
class ModelContext:
    """What a model's `build(config, context)` may know of the data it will see."""

    vocabulary_size: int  # PAD and UNKNOWN included
    space: LabelSpace
    word_vectors: Float[Tensor, "word width"] | None = None


@runtime_checkable
class CodingModel(Protocol):
    """A torch module that scores codes. Called as `model(batch)` or `model(batch, attention_codes=indices)`.

    Promises, tested for every model in tests/contracts: attention is a distribution over real tokens; padding
    changes nothing; permuting the label space permutes the logits; a note without a real token gets finite logits.
    """

    def __call__(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores: ...
