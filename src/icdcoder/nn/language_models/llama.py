"""LLaMA (Touvron et al. 2023, arXiv 2302.13971) of any size: a decoder that predicts the next token."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from icdcoder.core.config import Settings
from icdcoder.nn.objectives import Causal, Objective

AUTO = "AutoModelForCausalLM"
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
AROUND = "<s> $A"
ROLES = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
# Set between two texts of a block, and whether a block has tokens around it that are not in the texts.
BETWEEN = ("</s>", "<s>")
AROUND_BLOCK = 0


class Config(Settings):
    """hidden: width of the states. feed_forward: inner width of each layer; not set: 8/3 of hidden. context: tokens
    that it reads at once. tied: the output layer has the weights of the embeddings."""

    hidden: int = Field(256, ge=4)
    layers: int = Field(4, ge=1)
    heads: int = Field(8, ge=1)
    feed_forward: int | None = Field(None, ge=1)
    context: int = Field(512, ge=8)
    vocabulary: int = Field(8192, ge=300)
    tied: bool = True


def describe(config: Config, size: int, token: dict[str, int]) -> dict[str, Any]:
    """The content of config.json. size: of the tokenizer. token: number of each special token."""
    return {
        "model_type": "llama",
        "vocab_size": size,
        "hidden_size": config.hidden,
        "intermediate_size": config.feed_forward or -(-config.hidden * 8 // 3 // 32) * 32,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "max_position_embeddings": config.context,
        "tie_word_embeddings": config.tied,
        "pad_token_id": token["<pad>"],
        "bos_token_id": token["<s>"],
        "eos_token_id": token["</s>"],
    }


def objective(config: Config, size: int, token: dict[str, int]) -> Objective:
    return Causal()
