"""PLM-ICD: a pretrained language model that reads a note in chunks, with LAAT's label attention over all of them.

Huang, Tsai and Chen, "PLM-ICD: Automatic ICD Coding with Pretrained Language Models", ClinicalNLP 2022,
arXiv 2207.05289. For the states H of all chunks of a note, one after the other:

    Z = tanh(V H)            A = softmax(U Z), each code over the tokens
    D = H Aᵀ                 logit_ℓ = w_ℓ · d_ℓ + b_ℓ

with RoBERTa-PM (Lewis et al. 2020), chunks of 128 tokens that do not overlap, and 3,072 tokens of a note.

Where the authors' code does otherwise:
- Its attention reads the two special tokens around the note, and the padding that fills its last chunk (it takes one
  note at a time). Here it reads the note's tokens; `attend_padding = true` repeats the code.
- The port of Edin et al. (arXiv 2304.10909) fills all notes of a batch up to the chunks of the longest and shows this
  padding to the pretrained model as if it were text, since its mask is filled with the number of the padding token, 1.
  `show_padding = true` repeats that; a note's scores then depend on the notes beside it.
- Its attention has no dropout either, though its configuration names one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.pretrained.loading import load_pretrained
from icdcoder.nn.pretrained.token_encoder import Chunking, TokenEncoder

SPREAD = 0.02  # standard deviation of the initial matrices


class Config(Settings):
    """The authors' sizes.

    checkpoint: folder of the pretrained model. architecture: what a packed coder holds in its place. chunk, overlap:
    in tokens. special_tokens: around each chunk, or once around the note, as the authors have them. attended: width of
    keys and queries; None: that of the states. attend_padding: attention reads special tokens and padding too.
    show_padding: the pretrained model does as well, see above; only with attend_padding.
    """

    checkpoint: Path | None = None
    architecture: dict[str, Any] | None = None
    chunk: int = Field(128, gt=0)
    overlap: int = Field(0, ge=0)
    special_tokens: Literal["chunk", "note"] = "note"
    attended: int | None = Field(None, gt=0)
    attend_padding: bool = False
    show_padding: bool = False
    gradient_checkpointing: bool = False

    @model_validator(mode="after")
    def _pads(self) -> Config:
        if self.show_padding and not self.attend_padding:
            raise ValueError("'show_padding' is of the padding that attention reads: set 'attend_padding' too.")
        return self


def build(config: Config, context: ModelContext) -> PLMICD:
    """Raises ConfigError where the checkpoint is missing or does not fit, MissingExtraError without [llm]."""
    pretrained = load_pretrained(config.checkpoint, config.architecture, context.vocabulary_size, encode=context.encode)
    chunking = Chunking(config.chunk, config.overlap, config.special_tokens)
    encoder = TokenEncoder(pretrained, chunking, checkpointing=config.gradient_checkpointing)
    return PLMICD(
        encoder,
        len(context.space),
        attended=config.attended,
        attend_padding=config.attend_padding,
        show_padding=config.show_padding,
    )


class PLMICD(nn.Module):
    def __init__(
        self,
        encoder: TokenEncoder,
        codes: int,
        *,
        attended: int | None = None,
        attend_padding: bool = False,
        show_padding: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.attend_padding = attend_padding
        self.show_padding = show_padding
        attended = encoder.hidden if attended is None else attended
        self.projection = nn.Linear(encoder.hidden, attended, bias=False)
        self.label_attention = LabelAttention(codes, attended, encoder.hidden)
        for matrix in (self.projection.weight, self.label_attention.queries, self.label_attention.weights):
            nn.init.normal_(matrix, 0.0, SPREAD)
        nn.init.zeros_(self.label_attention.bias)

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        places = self.encoder.places(batch.tokens, batch.mask, self.attend_padding, shown=self.show_padding)
        keys = torch.tanh(self.projection(places.states.to(self.projection.weight.dtype)))
        scores = self.label_attention(keys, places.states, places.mask, attention_codes, batch.targets)
        return Scores(scores.logits, places.of_tokens(scores.attention))
