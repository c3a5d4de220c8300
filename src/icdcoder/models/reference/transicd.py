"""TransICD of biplob1ly/TransICD (code/models.py)."""

from __future__ import annotations

from collections.abc import Mapping
from re import fullmatch

import torch
from torch import Tensor

from icdcoder.models.reference._patterns import Patterns

UNKNOWN = "first"
PATTERNS: Patterns = (
    (r"embedder\.weight", "words.embedding.weight"),
    (r"encoder\.layers\.(.+)", r"transformer.layers.\1"),
    (r"attn\.l1\.(weight|bias)", r"projection.\1"),
    (r"attn\.l2\.weight", "label_attention.queries"),
    (r"attn\.l2\.bias", None),  # the same for all tokens, so that it falls out of the softmax
    (r"fcs\.weight", "label_attention.weights"),
    (r"fcs\.bias", "label_attention.bias"),
    (r"pos_encoder\.pe|class_margin", None),
)


def put_together(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """One output layer of all codes, where theirs is one layer a code."""
    found = {name: value for name, value in weights.items() if not name.startswith("fcs.")}
    codes = sorted(int(name.split(".")[1]) for name in weights if fullmatch(r"fcs\.\d+\.bias", name))
    for kind in ("weight", "bias") if codes else ():
        found[f"fcs.{kind}"] = torch.cat([weights[f"fcs.{code}.{kind}"] for code in codes])
    return found
