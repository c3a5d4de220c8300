"""PLM-CA: PLM-ICD with cross-attention from the codes to the note.

Edin, Maistro, Maaløe, Borgholt, Havtorn and Ruotsalo, "An Unsupervised Approach to Achieve Supervised-Level
Explainability in Healthcare Records", EMNLP 2024, arXiv 2406.08958. For the states H of all chunks of a note:

    K = W_k H      V = W_v H + b_v      A = softmax(Q K / scale), each code over the note's tokens, Q one row a code
    D = LayerNorm(V Aᵀ)                 logit_ℓ = w · d_ℓ + b

All codes share one output weight: what tells them apart is what they read. Keys and values are projections of their
own, without PLM-ICD's tanh.

Where the authors' code does otherwise:
- Its mask hides nothing: "−∞" is written, by `masked_fill_`, into a tensor of truth values, where it is one more True.
  Added to the scores, a tensor that is True throughout is 1 everywhere, which softmax does not see. So its attention
  reads the two special tokens around the note, and padding up to whole chunks of the longest note of a batch and, where
  its length is a multiple of 128, one chunk more. Here, tokens alone are read; `attend_padding = true` repeats the
  code, by which a note's scores depend on the longest note that stands beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Bool, Int
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
    attend_padding: attention reads special tokens and padding too.
    """

    checkpoint: Path | None = None
    architecture: dict[str, Any] | None = None
    chunk: int = Field(128, gt=0)
    overlap: int = Field(0, ge=0)
    special_tokens: Literal["chunk", "note"] = "note"
    scale: float = Field(1.0, gt=0)
    attend_padding: bool = False
    gradient_checkpointing: bool = False


def build(config: Config, context: ModelContext) -> PLMCA:
    """Raises ConfigError where the checkpoint is missing or does not fit, MissingExtraError without [llm]."""
    pretrained = load_pretrained(config.checkpoint, config.architecture, context.vocabulary_size, encode=context.encode)
    chunking = Chunking(config.chunk, config.overlap, config.special_tokens)
    encoder = TokenEncoder(pretrained, chunking, checkpointing=config.gradient_checkpointing)
    return PLMCA(encoder, len(context.space), scale=config.scale, attend_padding=config.attend_padding)


class PLMCA(nn.Module):
    def __init__(self, encoder: TokenEncoder, codes: int, *, scale: float = 1.0, attend_padding: bool = False) -> None:
        super().__init__()
        hidden = encoder.hidden
        self.encoder = encoder
        self.keys = nn.Linear(hidden, hidden, bias=False)
        self.values = nn.Linear(hidden, hidden)
        self.queries = nn.Parameter(torch.empty(codes, hidden))
        self.norm = nn.LayerNorm(hidden)
        self.output = nn.Linear(hidden, 1)
        self.scale = scale
        self.attend_padding = attend_padding
        for matrix in (self.keys.weight, self.values.weight, self.queries, self.output.weight):
            nn.init.normal_(matrix, 0.0, SPREAD)

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        least = self._chunks(batch.mask) if self.attend_padding else 0
        places = self.encoder.places(batch.tokens, batch.mask, self.attend_padding, least)
        states = places.states.to(self.queries.dtype)
        with torch.autocast(states.device.type, enabled=False):  # differences of large scores decide the attention
            keys = self.keys(states) / self.scale
            read = label_reading(keys, self.values(states), places.mask, self.queries)
            logits = self.output(self.norm(read)).squeeze(2)
            if attention_codes is None:
                return Scores(logits)
            found = attention(keys.float(), places.mask, self.queries[attention_codes].float())
            return Scores(logits, places.of_tokens(found))

    def _chunks(self, mask: Bool[Tensor, "note token"]) -> int:
        """How many chunks the authors fill for each note: a note that ends with its chunk has one more, of padding."""
        encoder, size = self.encoder, self.encoder.chunking.size
        if size is None or encoder.chunking.around == "chunk":
            return 0
        return 1 + (int(mask.sum(1).max()) + len(encoder.prefix) + len(encoder.suffix)) // size
