"""BERT (Devlin et al. 2019, arXiv 1810.04805) of any size: an encoder that predicts hidden tokens."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from icdcoder.core.config import Settings
from icdcoder.nn.objectives import Masked, Objective

AUTO = "AutoModelForMaskedLM"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
AROUND = "[CLS] $A [SEP]"
ROLES = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
BETWEEN = ("[SEP]",)
AROUND_BLOCK = 2


class Config(Settings):
    """As in llama; feed_forward: not set: 4 times hidden. dropout: of states and attention. masked: share of the tokens
    that are to be predicted."""

    hidden: int = Field(256, ge=4)
    layers: int = Field(4, ge=1)
    heads: int = Field(8, ge=1)
    feed_forward: int | None = Field(None, ge=1)
    context: int = Field(512, ge=8)
    vocabulary: int = Field(8192, ge=300)
    dropout: float = Field(0.1, ge=0, lt=1)
    masked: float = Field(0.15, gt=0, lt=1)


def describe(config: Config, size: int, token: dict[str, int]) -> dict[str, Any]:
    return {
        "model_type": "bert",
        "vocab_size": size,
        "hidden_size": config.hidden,
        "intermediate_size": config.feed_forward or 4 * config.hidden,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "max_position_embeddings": config.context,
        "hidden_dropout_prob": config.dropout,
        "attention_probs_dropout_prob": config.dropout,
        "type_vocab_size": 1,
        "pad_token_id": token["[PAD]"],
    }


def objective(config: Config, size: int, token: dict[str, int]) -> Objective:
    return Masked(token["[MASK]"], (token["[CLS]"],), (token["[SEP]"],), len(SPECIAL), size, config.masked)
