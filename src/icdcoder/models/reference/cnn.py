"""VanillaConv of jamesmullenbach/caml-mimic (learn/models.py)."""

from __future__ import annotations

from icdcoder.models.reference._patterns import Patterns

UNKNOWN = "last"
BY_CODE = ("output.",)
PATTERNS: Patterns = (
    (r"embed\.weight", "words.embedding.weight"),
    (r"conv\.(weight|bias)", r"convolution.\1"),
    (r"fc\.(weight|bias)", r"output.\1"),
)
