"""T5 (Raffel et al. 2020, arXiv 1910.10683) of any size: an encoder and a decoder that writes what was hidden."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from icdcoder.core.config import Settings
from icdcoder.nn.objectives import Objective, SpanCorruption

AUTO = "AutoModelForSeq2SeqLM"
SENTINELS = tuple(f"<extra_id_{i}>" for i in range(100))
SPECIAL = ("<pad>", "</s>", "<unk>", *SENTINELS)
AROUND = "$A </s>"
ROLES = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
BETWEEN = ("</s>",)
AROUND_BLOCK = 0


class Config(Settings):
    """As in llama; layers: of the encoder, and as many of the decoder unless decoder_layers is set. context: tokens
    of a block in pretraining; T5 counts distances, and has no limit of its own. corrupted, span: share of the tokens
    that are hidden, and the mean length of a hidden span."""

    hidden: int = Field(256, ge=4)
    layers: int = Field(3, ge=1)
    decoder_layers: int | None = Field(None, ge=1)
    heads: int = Field(8, ge=1)
    feed_forward: int | None = Field(None, ge=1)
    context: int = Field(512, ge=8)
    vocabulary: int = Field(8192, ge=500)
    dropout: float = Field(0.0, ge=0, lt=1)
    corrupted: float = Field(0.15, gt=0, lt=1)
    span: float = Field(3.0, ge=1)


def describe(config: Config, size: int, token: dict[str, int]) -> dict[str, Any]:
    return {
        "model_type": "t5",
        "vocab_size": size,
        "d_model": config.hidden,
        "d_kv": config.hidden // config.heads,
        "d_ff": config.feed_forward or 4 * config.hidden,
        "num_layers": config.layers,
        "num_decoder_layers": config.decoder_layers or config.layers,
        "num_heads": config.heads,
        "dropout_rate": config.dropout,
        "tie_word_embeddings": True,
        "pad_token_id": token["<pad>"],
        "eos_token_id": token["</s>"],
        "decoder_start_token_id": token["<pad>"],
    }


def objective(config: Config, size: int, token: dict[str, int]) -> Objective:
    return SpanCorruption(
        [token[name] for name in SENTINELS], token["</s>"], token["<pad>"], config.corrupted, config.span
    )
