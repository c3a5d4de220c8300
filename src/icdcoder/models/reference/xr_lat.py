"""HiLATModel of leiboliu/xr-lat without chunk attention, of the last level, the codes (xr-lat/models/model.py)."""

from __future__ import annotations

from torch import nn

from icdcoder.core.errors import ConfigError
from icdcoder.models.reference._patterns import Patterns

UNKNOWN = None
BY_CODE = ("levels.3.label_attention.",)
KEPT = ("levels.0.", "levels.1.", "levels.2.")  # the levels above, which have no part in the scores of codes then
PATTERNS: Patterns = (
    (r"transformer_layer\.pooler\..*", None),
    (r"transformer_layer\.embeddings\.position_ids", None),
    (r"transformer_layer\.(.+)", r"encoder.model.\1"),
    (r"label_wise_attention_layer\.l1_linear\.weight", "levels.3.keys.weight"),
    (r"label_wise_attention_layer\.l2_linear\.weight", "levels.3.label_attention.queries"),
    (r"label_wise_attention_layer\.hyperbolic_linear\.weight", None),  # never given the vectors it is made for
    (r"classifier_layer\.weight", "levels.3.label_attention.weights"),
    (r"classifier_layer\.bias", "levels.3.label_attention.bias"),
)


def require(model: nn.Module) -> None:
    """Theirs are four files, each with an encoder of its own: of the last alone, no level above says what to score."""
    if getattr(model, "sampling", True) or getattr(model, "batches_per_level", 1) or getattr(model, "lift", None):
        raise ConfigError(
            "The authors' file of the codes says nothing of the levels above it: set model.sampling = false, "
            "model.batches_per_level = 0 and model.hyperbolic = false, so that each code is scored by itself."
        )
