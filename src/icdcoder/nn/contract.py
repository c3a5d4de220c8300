"""The contract that carries every network: a batch of tensors in, logits (and attention on demand) out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
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
    channels: what a model needs to know of each token beside its word, by name, as whole numbers, 0 at padding. A
        model names those it needs in CHANNELS (members of text/channels); where a batch lacks one, it is 0 throughout.
    """

    tokens: Int[Tensor, "note token"]
    mask: Bool[Tensor, "note token"]
    targets: Float[Tensor, "note code"] | None = None
    channels: Mapping[str, Int[Tensor, "note token"]] = field(default_factory=dict)

    def to(self, device: torch.device | str) -> Batch:
        targets = None if self.targets is None else self.targets.to(device)
        channels = {name: channel.to(device) for name, channel in self.channels.items()}
        return replace(
            self, tokens=self.tokens.to(device), mask=self.mask.to(device), targets=targets, channels=channels
        )


@dataclass(frozen=True, slots=True)
class Scores:
    """logits: log-odds before any sigmoid. attention: for the codes asked for, in the order asked; each row sums
    to 1 over real tokens and is exactly 0 on padding; None where nothing was asked, and from models that have none.
    penalty: what the model adds, in training and where there is gold, to the loss of its logits (a mean over notes).
    It may be negative: a paper whose loss is another one is told as the difference."""

    logits: Float[Tensor, "note code"]
    attention: Float[Tensor, "note asked token"] | None = None
    penalty: Float[Tensor, ""] | None = None


@dataclass(frozen=True, slots=True)
class ModelContext:
    """What a model's `build(config, context)` may know of the data it will see.

    vocabulary_size: PAD and UNKNOWN included.
    encode: a text as vocabulary numbers, by the rule that reads the notes. words: the vocabulary, in order.
    code_notes: how many training notes have each code. word_notes: counts, when asked, the training notes that hold
    each vocabulary number, and at PAD how many training notes there are.

    A model that will get its weights from a file is built without the last four: whatever it made of them is in the
    file, as buffers (see `nn.knowledge_tables`). So a saved coder needs no knowledge beside it.
    """

    vocabulary_size: int
    space: LabelSpace
    word_vectors: Float[Tensor, "word width"] | None = None
    encode: Callable[[str], npt.NDArray[np.int32]] | None = None
    words: Sequence[str] | None = None
    code_notes: Sequence[int] | None = None
    word_notes: Callable[[], npt.NDArray[np.int64]] | None = None


@runtime_checkable
class CodingModel(Protocol):
    """A torch module that scores codes. Called as `model(batch)` or `model(batch, attention_codes=indices)`.

    Promises, tested for every model in tests/contracts: attention is a distribution over real tokens; padding
    changes nothing; permuting the label space permutes the logits; a note without a real token gets finite logits.
    """

    def __call__(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores: ...


def channels_of(model: object) -> tuple[str, ...]:
    """The channels that a model needs in its batches."""
    return tuple(getattr(model, "CHANNELS", ()))
