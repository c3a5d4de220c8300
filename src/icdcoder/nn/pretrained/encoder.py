"""The pretrained encoder that a model's settings describe: what the systems with a language model have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from icdcoder.nn.pretrained.loading import Attention, Weights, load_pretrained
from icdcoder.nn.pretrained.rope import Scaling
from icdcoder.nn.pretrained.token_encoder import Chunking, TokenEncoder

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@runtime_checkable
class EncoderSettings(Protocol):
    """checkpoint, architecture, context, scaling, attention, weights: see `load_pretrained`. chunk, overlap,
    bidirectional: see `TokenEncoder`."""

    @property
    def checkpoint(self) -> Path | None: ...
    @property
    def architecture(self) -> dict[str, Any] | None: ...
    @property
    def context(self) -> int | None: ...
    @property
    def scaling(self) -> Scaling: ...
    @property
    def chunk(self) -> int | None: ...
    @property
    def overlap(self) -> int: ...
    @property
    def weights(self) -> Weights: ...
    @property
    def attention(self) -> Attention: ...
    @property
    def bidirectional(self) -> bool: ...


def load_encoder(
    settings: EncoderSettings,
    vocabulary_size: int,
    *,
    frozen: bool,
    checkpointing: bool = False,
    adapt: Callable[[PreTrainedModel], None] | None = None,
) -> TokenEncoder:
    """adapt: changes the pretrained model once it is loaded (adapters, fewer bits). Raises ConfigError where the
    checkpoint is missing or does not fit, MissingExtraError without the extra [llm]."""
    pretrained = load_pretrained(
        settings.checkpoint,
        settings.architecture,
        vocabulary_size,
        context=settings.context,
        scaling=settings.scaling,
        attention=settings.attention,
        weights=settings.weights,
    )
    if adapt is not None:
        adapt(pretrained.model)
    return TokenEncoder(
        pretrained,
        Chunking(settings.chunk, settings.overlap),
        frozen=frozen,
        bidirectional=settings.bidirectional,
        checkpointing=checkpointing,
    )
