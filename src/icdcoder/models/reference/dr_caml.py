"""ConvAttnPool of jamesmullenbach/caml-mimic with descriptions (learn/models.py)."""

from __future__ import annotations

from icdcoder.models.reference._patterns import Patterns
from icdcoder.models.reference.caml import PATTERNS as OF_CAML

UNKNOWN = "last"
PATTERNS: Patterns = (
    *OF_CAML,
    (r"desc_embedding\.weight", "description_encoder.words.embedding.weight"),
    (r"label_conv\.(weight|bias)", r"description_encoder.convolution.convolution.\1"),
    (r"label_fc1\.(weight|bias)", r"description_encoder.output.\1"),
)
