"""ConvAttnPool of jamesmullenbach/caml-mimic without descriptions (learn/models.py)."""

from __future__ import annotations

from icdcoder.models.reference._patterns import Patterns

UNKNOWN = "last"
PATTERNS: Patterns = (
    (r"embed\.weight", "words.embedding.weight"),
    (r"conv\.(weight|bias)", r"convolution.convolution.\1"),
    (r"U\.weight", "label_attention.queries"),
    (r"U\.bias", None),
    (r"final\.weight", "label_attention.weights"),
    (r"final\.bias", "label_attention.bias"),
)
