"""PLMICD with LabelCrossAttention of JoakimEdin/explainable-medical-coding (explainable_medical_coding/models)."""

from __future__ import annotations

from icdcoder.models.reference._patterns import Patterns

UNKNOWN = None
BY_CODE = ("queries",)
PATTERNS: Patterns = (
    (r"roberta_encoder\.pooler\..*", None),
    (r"roberta_encoder\.embeddings\.position_ids", None),
    (r"roberta_encoder\.(.+)", r"encoder.model.\1"),
    (r"label_wise_attention\.weights_k\.weight", "keys.weight"),
    (r"label_wise_attention\.weights_v\.(weight|bias)", r"values.\1"),
    (r"label_wise_attention\.label_representations", "queries"),
    (r"label_wise_attention\.layernorm\.(weight|bias)", r"norm.\1"),
    (r"label_wise_attention\.output_linear\.(weight|bias)", r"output.\1"),
)
