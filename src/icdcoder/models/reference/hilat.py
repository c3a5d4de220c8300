"""CodingModel of leiboliu/HiLAT with chunk attention, one head for all codes (hilat/models/modeling.py)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from icdcoder.models.reference._patterns import Patterns

UNKNOWN = None
BY_CODE = ("token_queries", "weights", "bias")
PATTERNS: Patterns = (
    (r"transformer_layer\.pooler\..*", None),
    (r"transformer_layer\.embeddings\.position_ids", None),
    (r"transformer_layer\.(.+)", r"encoder.model.\1"),
    (r"label_wise_attention_layer\.l1_linear\.weight", "token_keys.weight"),
    (r"label_wise_attention_layer\.l2_linear\.weight", "token_queries"),
    (r"chunk_attention_layer\.l1_linear\.weight", "chunk_keys.weight"),
    (r"chunk_attention_layer\.l2_linear\.weight", "chunk_query"),
    (r"classifier_layer\.weight", "weights"),
    (r"classifier_layer\.bias", "bias"),
)


def put_together(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The query of chunks is one vector, and theirs a matrix of one row."""
    one = "chunk_attention_layer.l2_linear.weight"
    return {name: value[0] if name == one and value.ndim == 2 else value for name, value in weights.items()}
