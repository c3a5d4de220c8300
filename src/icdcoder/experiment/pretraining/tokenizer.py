"""The tokenizer of a new language model: byte-level BPE (Radford et al. 2019, GPT-2), learnt on the training text."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from icdcoder.core.components import extra_named

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = "tokenizer.json"


def learn(texts: Iterable[str], vocabulary: int, architecture: ModuleType) -> Tokenizer:
    """vocabulary: its size at most, the special tokens of the architecture, which come first, and all bytes included.

    Any text can be written in it, and read back from it. Raises MissingExtraError without the extra [llm].
    """
    with extra_named("Learning a tokenizer"):
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    special = list(architecture.SPECIAL)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    around = [name for name in architecture.AROUND.split() if name != "$A"]
    tokenizer.post_processor = processors.TemplateProcessing(  # pyright: ignore[reportAttributeAccessIssue]
        single=architecture.AROUND, special_tokens=[(name, special.index(name)) for name in around]
    )
    return tokenizer


def save(tokenizer_file: Path, folder: Path, architecture: ModuleType, context: int) -> None:
    """tokenizer.json and tokenizer_config.json, as AutoTokenizer loads them."""
    from transformers import PreTrainedTokenizerFast

    extra = [name for name in architecture.SPECIAL if name not in architecture.ROLES.values()]
    PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_file),
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        **architecture.ROLES,
        **({"additional_special_tokens": extra} if extra else {}),
    ).save_pretrained(folder)
