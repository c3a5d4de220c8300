"""IcdModel of GanjinZero/ICD-MSMN with MultiLabelMultiHeadLAATV2, an LSTM and maxima over synonyms (model/*.py)."""

from __future__ import annotations

from icdcoder.models.reference._patterns import Patterns

UNKNOWN = "behind"
BY_CODE = ()  # codes are known by their synonyms
PATTERNS: Patterns = (
    (r"encoder\.word_encoder\.word_embedding\.weight", "words.embedding.weight"),
    (r"encoder\.combiner\.combine_lstm\.(\w+)", r"lstm.lstm.\1"),
    (r"encoder\.combiner\.reduce_linear\.(weight|bias)", r"reduction.\1"),
    (r"decoder\.W\.(weight|bias)", r"keys.\1"),
    (r"decoder\.u_reduce\.(weight|bias)", r"queries.\1"),
    (r"decoder\.w_linear\.layers\.0\.(weight|bias)", r"weights.\1"),
    (r"decoder\.b_linear\.layers\.0\.(weight|bias)", r"bias.\1"),
    (r"decoder\.(U|final)\.(weight|bias)", None),
)
