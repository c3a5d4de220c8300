"""LLAMA2-C: a large language model as the classifier.

"Automatic diagnosis from clinical texts" (BIBM 2024, arXiv 2411.06823), equations 1 and 2. For the states h of a
decoder or encoder θ over the note x,

    h_x = pooling of h_θ(x)            logit = W h_x + b

trained by the cross-entropy of each code. The paper pools the last token, which is all that has read a whole note
under a causal mask. It says neither how the model was fine-tuned nor how long its notes were; the defaults here are
low-rank adapters beside every linear layer and the context that the model was trained with.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.nn.asymmetric import asymmetric_penalty
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.pretrained.encoder import load_encoder
from icdcoder.nn.pretrained.loading import Attention, Weights, add_lora, require_learnable
from icdcoder.nn.pretrained.quantised import Base, quantise
from icdcoder.nn.pretrained.rope import Scaling
from icdcoder.nn.pretrained.token_encoder import TokenEncoder

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Pooling = Literal["last", "mean", "label_attention"]


class Config(Settings):
    """checkpoint: folder of the pretrained model. architecture: what a packed coder holds in its place.

    pooling: the state of the last token; the mean over tokens; or LAAT's label attention, each code its own reading.
    tuning: "full" trains all weights, "lora" adapters of rank lora_rank, "frozen" none of the pretrained model.
    context: tokens to read at once; more than the model was trained with stretches its rotary positions by `scaling`;
    beta_fast, beta_slow, attention_factor: of YaRN, where not the checkpoint's own or the paper's.
    chunk, overlap: read notes in chunks instead, with another pooling than "last". weights: the type of the pretrained
    weights; those that are trained are float32 under "lora". base: keep those that are not trained in 8 or 4 bits
    (`nn.pretrained.quantised`); a packed coder has them in 16 again. bidirectional: a decoder's tokens see those after
    them. attention: the kernel.
    """

    checkpoint: Path | None = None
    architecture: dict[str, Any] | None = None
    pooling: Pooling = "last"
    loss: Literal["binary_cross_entropy", "asymmetric"] = "binary_cross_entropy"
    tuning: Literal["full", "lora", "frozen"] = "lora"
    lora_rank: int = Field(16, gt=0)
    lora_alpha: float = Field(32.0, gt=0)
    lora_dropout: float = Field(0.05, ge=0, lt=1)
    context: int | None = Field(None, gt=0)
    scaling: Scaling = "yarn"
    beta_fast: float | None = Field(None, gt=0)
    beta_slow: float | None = Field(None, gt=0)
    attention_factor: float | None = Field(None, gt=0)
    chunk: int | None = Field(None, gt=0)
    overlap: int = Field(0, ge=0)
    weights: Weights = "float32"
    base: Base | None = None
    attention: Attention = "sdpa"
    bidirectional: bool = False
    gradient_checkpointing: bool = False

    @model_validator(mode="after")
    def _trainable(self) -> Config:
        if self.base is not None and self.tuning == "full":
            raise ValueError(f"weights in {self.base} cannot be trained: set tuning = 'lora', or leave base out")
        require_learnable(self.weights, self.tuning == "full")
        if self.chunk is not None and self.pooling == "last":
            raise ValueError(
                "the last token has read its own chunk only: set pooling = 'mean' or 'label_attention', or leave chunk "
                "out (rotary models read further by model.context)"
            )
        return self


def build(config: Config, context: ModelContext) -> LLMClassifier:
    """Raises ConfigError where the checkpoint is missing or does not fit, MissingExtraError without [llm]."""

    def adapt(model: PreTrainedModel) -> None:
        if config.tuning == "lora":
            add_lora(model, rank=config.lora_rank, alpha=config.lora_alpha, dropout=config.lora_dropout)
        elif config.base is not None:
            model.requires_grad_(False)
        if config.base is not None:
            quantise(model, config.base)

    encoder = load_encoder(
        config,
        context.vocabulary_size,
        frozen=config.tuning == "frozen",
        encode=context.encode,
        checkpointing=config.gradient_checkpointing,
        adapt=adapt,
    )
    return LLMClassifier(encoder, len(context.space), pooling=config.pooling, asymmetric=config.loss == "asymmetric")


class LLMClassifier(nn.Module):
    """asymmetric: train with the asymmetric loss."""

    def __init__(self, encoder: TokenEncoder, codes: int, *, pooling: Pooling = "last", asymmetric: bool = False):
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling
        self.asymmetric = asymmetric
        if pooling == "label_attention":
            self.projection = nn.Linear(encoder.hidden, encoder.hidden, bias=False)
            self.head = LabelAttention(codes, encoder.hidden, encoder.hidden)
        else:
            self.head = nn.Linear(encoder.hidden, codes)

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        """The poolings "last" and "mean" take the same of each token for all codes, which is no attention: where a code
        has its evidence is for occlusion to find."""
        scores = self._scores(self.encoder(batch.tokens, batch.mask), batch.mask, attention_codes)
        if not (self.asymmetric and self.training):
            return scores
        return Scores(scores.logits, scores.attention, asymmetric_penalty(scores.logits, batch))

    def _scores(
        self,
        states: Float[Tensor, "note token hidden"],
        mask: Bool[Tensor, "note token"],
        asked: Int[Tensor, "asked"] | None,
    ) -> Scores:
        if self.pooling == "label_attention":
            return self.head(torch.tanh(self.projection(states.to(self.projection.weight.dtype))), states, mask, asked)
        shares = _last(mask) if self.pooling == "last" else _mean(mask)
        pooled = (shares[:, None] @ states).squeeze(1)
        return Scores(self.head(pooled))


def _last(mask: Bool[Tensor, "note token"]) -> Float[Tensor, "note token"]:
    """1 at the last real token."""
    place = torch.arange(mask.shape[1], device=mask.device)
    return ((place == mask.sum(1, keepdim=True) - 1) & mask).float()


def _mean(mask: Bool[Tensor, "note token"]) -> Float[Tensor, "note token"]:
    """The same at each real token; a note without any has 0."""
    return mask / mask.sum(1, keepdim=True).clamp(min=1)
