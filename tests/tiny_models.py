"""Pretrained models small enough for tests, each with a tokenizer of its own, written as Hugging Face writes them.

Not pretrained at all: their weights are drawn at random, the same each time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

TEXT = [
    "Patient with chest pain, dyspnoea and atrial fibrillation; hypertension on lisinopril 10 mg.",
    "Type 2 diabetes mellitus without complications. No fever, no chills. Discharged home in stable condition.",
    "Acute kidney injury on chronic kidney disease, treated with fluids; creatinine fell to 1.2.",
    "Codes: 401.9; 428.0; 250.00; 584.9; 36.15; V45.81; E878.2; none; 0 1 2 3 4 5 6 7 8 9.",
] * 4
KINDS = ("bert", "llama", "roberta", "t5")
SIZES = {"vocab_size": 200, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
MORE = {"intermediate_size": 24, "max_position_embeddings": 64}


def architecture(kind: str, **changes: Any) -> dict[str, Any]:
    """What a coder's card would hold of the tiny model, to build it without a folder."""
    return {"config": {"model_type": kind, **settings(kind), **changes}, "prefix": [2], "suffix": [3]}


def settings(kind: str) -> dict[str, Any]:
    """Its config.json. Dropout is left out, so that what a test compares is exact in training too."""
    if kind == "t5":
        sizes = {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_decoder_layers": 1, "num_heads": 2}
        return {"vocab_size": 200, **sizes, "dropout_rate": 0.0}
    if kind == "llama":
        return {**SIZES, **MORE, "bos_token_id": 2, "eos_token_id": 3}
    if kind == "gemma3":  # reads pictures too, as MedGemma does
        layers = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 4}
        text = {**SIZES, **MORE, **layers, "head_dim": 8, "num_key_value_heads": 1, "pad_token_id": 0}
        vision = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
        tokens = {"mm_tokens_per_image": 4, "image_token_index": 5, "boi_token_index": 6, "eoi_token_index": 7}
        return {"text_config": text, "vision_config": {**vision, "image_size": 16, "patch_size": 8}, **tokens}
    quiet = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    padding = {"pad_token_id": 1, "max_position_embeddings": 66} if kind == "roberta" else {"pad_token_id": 0}
    return {**SIZES, **MORE, **quiet, **padding}


def tokenizer(kind: str) -> Any:
    """Trained on TEXT in the manner of its family, with that family's special tokens around a text."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    def template(made: Any, single: str, *names: str) -> None:
        pairs = [(name, made.token_to_id(name)) for name in names]
        made.post_processor = processors.TemplateProcessing(single=single, special_tokens=pairs)

    if kind == "bert":
        made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        made.normalizer = normalizers.BertNormalizer(lowercase=True)
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        made.train_from_iterator(TEXT, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special))
        template(made, "[CLS] $A [SEP]", "[CLS]", "[SEP]")
        return made
    if kind == "t5":
        made = Tokenizer(models.Unigram())
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        made.decoder = decoders.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=200, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
        )
        made.train_from_iterator(TEXT, trainer)
        template(made, "$A </s>", "</s>")
        return made
    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=kind == "llama"))
    if kind == "llama":
        made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    else:
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>"] if kind == "roberta" else ["<unk>", "<pad>", "<s>", "</s>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet() if kind == "roberta" else []
    size = 400 if kind == "roberta" else 200
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(TEXT, trainer)
    template(made, "<s> $A </s>" if kind == "roberta" else "<s> $A", "<s>", "</s>")
    return made


def save(kind: str, folder: Path, *, writes: bool = False, **changes: Any) -> Path:
    """Writes config.json, model.safetensors and tokenizer.json into `folder`, and returns it. writes: with the head
    that gives logits of the next token."""
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    cut = tokenizer(kind)
    folder.mkdir(parents=True, exist_ok=True)
    cut.save(str(folder / "tokenizer.json"))
    size = max(cut.get_vocab(with_added_tokens=True).values()) + 1
    told = settings(kind)
    part = told.get("text_config", told)
    part.update(vocab_size=size, **changes)
    config = AutoConfig.for_model(kind, **told)
    torch.manual_seed(0)
    auto = (AutoModelForSeq2SeqLM if kind == "t5" else AutoModelForCausalLM) if writes else AutoModel
    auto.from_config(config).save_pretrained(folder)
    return folder
