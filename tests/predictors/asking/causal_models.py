"""A causal language model small enough for tests, in a folder as Hugging Face writes it. Not pretrained at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = (
    "You read a clinical note and decide which concepts it supports codes Is to be coded Does the Answer yes or no ."
)


def save(folder: Path, texts: list[str], *, split: bool = False, context: int = 512, **changes: Any) -> Path:
    """split: cut into single letters, so that "yes" is no token."""
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import AutoConfig, AutoModelForCausalLM

    if split:
        letters = sorted({letter for text in [*texts, WORDS] for letter in text})
        known = {word: i for i, word in enumerate(["<unk>", "<s>", *letters])}
        made = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
        made.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    else:
        words = sorted({word for text in [*texts, WORDS] for word in text.replace("?", " ").replace(":", " ").split()})
        known = {word: i for i, word in enumerate(["<unk>", "<s>", "?", ":", *words])}
        made = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
        made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    settings = {
        "vocab_size": len(known),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": context,
        "tie_word_embeddings": True,
        **changes,
    }
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", **settings)).save_pretrained(folder)
    return folder
