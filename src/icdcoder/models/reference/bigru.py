"""VanillaRNN of jamesmullenbach/caml-mimic with its GRU (learn/models.py)."""

from __future__ import annotations

from icdcoder.models.reference._patterns import Patterns

UNKNOWN = "last"
BY_CODE = ("output.",)
PATTERNS: Patterns = (
    (r"embed\.weight", "words.embedding.weight"),
    (r"rnn\.(\w+)", r"gru.\1"),
    (r"final\.(weight|bias)", r"output.\1"),
)
