"""RNN of aehrc/LAAT with one level of labels and attention_mode "label" (src/models/rnn.py)."""

from __future__ import annotations

from icdcoder.models.reference._patterns import Patterns

UNKNOWN = "first"
PATTERNS: Patterns = (
    (r"embedding\.embeddings\.weight", "words.embedding.weight"),
    (r"rnn\.(\w+)", r"lstm.lstm.\1"),
    (r"attention\.first_linears\.0\.weight", "projection.weight"),
    (r"attention\.second_linears\.0\.weight", "label_attention.queries"),
    (r"attention\.third_linears\.0\.weight", "label_attention.weights"),
    (r"attention\.third_linears\.0\.bias", "label_attention.bias"),
    (r"attention\.linear\.weight", None),
    (r"(linears|projection_linears)\.0\.(weight|bias)", None),
)
