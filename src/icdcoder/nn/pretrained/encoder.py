"""The pretrained encoder that a model's settings describe: what the systems with a language model have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from icdcoder.nn.pretrained.architecture import Encode
from icdcoder.nn.pretrained.loading import Attention, Weights, load_pretrained
from icdcoder.nn.pretrained.rope import Scaling, Yarn
from icdcoder.nn.pretrained.token_encoder import Chunking, TokenEncoder

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@runtime_checkable
class EncoderSettings(Protocol):
    """checkpoint, architecture, context, scaling, attention, weights: see `load_pretrained`. beta_fast, beta_slow,
    attention_factor: see `Yarn`. chunk, overlap, bidirectional: see `TokenEncoder`."""

    @property
    def checkpoint(self) -> Path | None: ...
    @property
    def architecture(self) -> dict[str, Any] | None: ...
    @property
    def context(self) -> int | None: ...
    @property
    def scaling(self) -> Scaling: ...
    @property
    def beta_fast(self) -> float | None: ...
    @property
    def beta_slow(self) -> float | None: ...
    @property
    def attention_factor(self) -> float | None: ...
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
    encode: Encode | None = None,
    checkpointing: bool = False,
    adapt: Callable[[PreTrainedModel], None] | None = None,
) -> TokenEncoder:
    """encode: how the notes are cut. adapt: changes the pretrained model once it is loaded (adapters, fewer bits).
    Raises ConfigError where the checkpoint is missing or does not fit, MissingExtraError without the extra [llm]."""
    pretrained = load_pretrained(
        settings.checkpoint,
        settings.architecture,
        vocabulary_size,
        context=settings.context,
        scaling=settings.scaling,
        yarn=Yarn(settings.beta_fast, settings.beta_slow, settings.attention_factor),
        attention=settings.attention,
        weights=settings.weights,
        encode=encode,
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
