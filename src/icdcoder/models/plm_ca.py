"""PLM-CA: PLM-ICD with cross-attention from the codes to the note.

Edin, Maistro, Maaløe, Borgholt, Havtorn and Ruotsalo, "An Unsupervised Approach to Achieve Supervised-Level
Explainability in Healthcare Records", EMNLP 2024, arXiv 2406.08958. For the states H of all chunks of a note:

    K = W_k H      V = W_v H + b_v      A = softmax(Q K / scale), each code over the note's tokens, Q one row a code
    D = LayerNorm(V Aᵀ)                 logit_ℓ = w · d_ℓ + b

All codes share one output weight: what tells them apart is what they read. Keys and values are projections of their
own, without PLM-ICD's tanh.

Where the authors' code does otherwise:
- Its mask hides nothing: "−∞" is written into a tensor of truth values, which makes them all true, and adding that
  moves all scores alike. So its attention reads padding, up to whole chunks of the longest note of a batch and, where a
  length is a multiple of 128, one chunk more, and the two special tokens around the note. Here, tokens alone are read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Int
from pydantic import Field
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.label_attention import attention
from icdcoder.nn.label_reading import label_reading
from icdcoder.nn.pretrained.loading import load_pretrained
from icdcoder.nn.pretrained.token_encoder import Chunking, TokenEncoder

SPREAD = 0.03  # standard deviation of the initial matrices


class Config(Settings):
    """The authors' sizes; they read 6,000 tokens of a note.

    checkpoint: folder of the pretrained model. architecture: what a packed coder holds in its place. chunk, overlap:
    in tokens. special_tokens: around each chunk, or once around the note. scale: divides the scores of attention.
    """

    checkpoint: Path | None = None
    architecture: dict[str, Any] | None = None
    chunk: int = Field(128, gt=0)
    overlap: int = Field(0, ge=0)
    special_tokens: Literal["chunk", "note"] = "note"
    scale: float = Field(1.0, gt=0)
    gradient_checkpointing: bool = False


def build(config: Config, context: ModelContext) -> PLMCA:
    """Raises ConfigError where the checkpoint is missing or does not fit, MissingExtraError without [llm]."""
    pretrained = load_pretrained(config.checkpoint, config.architecture, context.vocabulary_size, encode=context.encode)
    chunking = Chunking(config.chunk, config.overlap, config.special_tokens)
    encoder = TokenEncoder(pretrained, chunking, checkpointing=config.gradient_checkpointing)
    return PLMCA(encoder, len(context.space), scale=config.scale)


class PLMCA(nn.Module):
    def __init__(self, encoder: TokenEncoder, codes: int, *, scale: float = 1.0) -> None:
        super().__init__()
        hidden = encoder.hidden
        self.encoder = encoder
        self.keys = nn.Linear(hidden, hidden, bias=False)
        self.values = nn.Linear(hidden, hidden)
        self.queries = nn.Parameter(torch.empty(codes, hidden))
        self.norm = nn.LayerNorm(hidden)
        self.output = nn.Linear(hidden, 1)
        self.scale = scale
        for matrix in (self.keys.weight, self.values.weight, self.queries, self.output.weight):
            nn.init.normal_(matrix, 0.0, SPREAD)

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        states = self.encoder(batch.tokens, batch.mask).to(self.queries.dtype)
        with torch.autocast(states.device.type, enabled=False):  # differences of large scores decide the attention
            keys = self.keys(states) / self.scale
            read = label_reading(keys, self.values(states), batch.mask, self.queries)
            logits = self.output(self.norm(read)).squeeze(2)
            if attention_codes is None:
                return Scores(logits)
            return Scores(logits, attention(keys.float(), batch.mask, self.queries[attention_codes].float()))
