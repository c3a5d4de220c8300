"""The shapes of well-known pretrained models, for plans that are made before the model is on the disk.

What each model's own config.json says (model cards at huggingface.co), as far as sizes and costs depend on it.
"""

from __future__ import annotations

from typing import Any

_LLAMA = {"model_type": "llama", "tie_word_embeddings": False, "rms_norm_eps": 1e-5}
_ROBERTA = {"model_type": "roberta", "vocab_size": 50265, "max_position_embeddings": 514, "pad_token_id": 1}


def _sizes(vocabulary: int, hidden: int, layers: int, heads: int, groups: int, inner: int, context: int) -> Any:
    return {
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
        "intermediate_size": inner,
        "max_position_embeddings": context,
    }


def _encoder(hidden: int, layers: int, heads: int) -> dict[str, Any]:
    sizes = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads}
    return {**sizes, "intermediate_size": 4 * hidden}


SHAPES: dict[str, dict[str, Any]] = {
    "llama-2-7b": {**_LLAMA, **_sizes(32000, 4096, 32, 32, 32, 11008, 4096)},
    "llama-2-13b": {**_LLAMA, **_sizes(32000, 5120, 40, 40, 40, 13824, 4096)},
    "llama-3-8b": {**_LLAMA, **_sizes(128256, 4096, 32, 32, 8, 14336, 8192)},
    "llama-3.1-8b": {**_LLAMA, **_sizes(128256, 4096, 32, 32, 8, 14336, 131072)},
    "llama-3.2-1b": {**_LLAMA, **_sizes(128256, 2048, 16, 32, 8, 8192, 131072), "tie_word_embeddings": True},
    "llama-3.2-3b": {**_LLAMA, **_sizes(128256, 3072, 28, 24, 8, 8192, 131072), "tie_word_embeddings": True},
    "mistral-7b": {"model_type": "mistral", "sliding_window": None, **_sizes(32000, 4096, 32, 32, 8, 14336, 32768)},
    "qwen2.5-7b": {"model_type": "qwen2", **_sizes(152064, 3584, 28, 28, 4, 18944, 131072)},
    "bert-base": {"model_type": "bert", "vocab_size": 30522, "max_position_embeddings": 512, **_encoder(768, 12, 12)},
    "bert-large": {"model_type": "bert", "vocab_size": 30522, "max_position_embeddings": 512, **_encoder(1024, 24, 16)},
    "roberta-base": {**_ROBERTA, **_encoder(768, 12, 12)},
    "roberta-pm-m3": {**_ROBERTA, **_encoder(768, 12, 12)},
    "roberta-large": {**_ROBERTA, **_encoder(1024, 24, 16)},
}
for _name, _d_model, _layers, _heads, _inner in (
    ("t5-small", 512, 6, 8, 2048),
    ("t5-base", 768, 12, 12, 3072),
    ("t5-large", 1024, 24, 16, 4096),
):
    SHAPES[_name] = {
        "model_type": "t5",
        "vocab_size": 32128,
        "d_model": _d_model,
        "d_kv": 64,
        "d_ff": _inner,
        "num_layers": _layers,
        "num_decoder_layers": _layers,
        "num_heads": _heads,
    }


def published_shape(checkpoint: str) -> tuple[str, dict[str, Any]] | None:
    """The known shape whose name stands in the last part of a checkpoint's name, the longest where several do."""
    last = checkpoint.replace("\\", "/").rstrip("/").rpartition("/")[2].lower()
    fitting = [name for name in SHAPES if name in last]
    return (best := max(fitting, key=len), SHAPES[best]) if fitting else None
