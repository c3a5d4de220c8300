"""RobertaForMultilabelClassification and BertForMultilabelClassification of MiuLab/PLM-ICD in the mode "laat"
(src/modeling_roberta.py, src/modeling_bert.py)."""

from __future__ import annotations

from icdcoder.models.reference._patterns import Patterns

UNKNOWN = None  # rows of subwords are in the order of the tokenizer, which both sides share
PATTERNS: Patterns = (
    (r"(?:roberta|bert)\.pooler\..*", None),
    (r"(?:roberta|bert)\.embeddings\.position_ids", None),
    (r"(?:roberta|bert)\.(.+)", r"encoder.model.\1"),
    (r"first_linear\.weight", "projection.weight"),
    (r"second_linear\.weight", "label_attention.queries"),
    (r"third_linear\.weight", "label_attention.weights"),
    (r"third_linear\.bias", "label_attention.bias"),
)
