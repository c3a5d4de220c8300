"""The architecture of a pretrained model: the config.json and the special tokens that its tokenizer sets around a text.

It is all that is needed to build the same model without its folder. A trained coder keeps it in its card, and so needs
no other folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.errors import ConfigError
from icdcoder.text.checkpoints import CONFIG, checkpoint_folder

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

    from icdcoder.text.readers.subwords import Subwords

Encode = Callable[[str], npt.NDArray[np.int32]]
# By which two tokenizers of one size are told apart: words of every length, digits, signs.
PROBE = (
    "Discharge diagnoses: 1. Atrial fibrillation; 2. type II diabetes mellitus. Lisinopril 10 mg b.i.d., K+ 4.7 (high)."
)


def describe(folder: Path) -> dict[str, Any]:
    """The architecture of a checkpoint folder; of one that reads pictures too, that of the part that reads text. Raises
    ConfigError where it describes no model."""
    tokenizer = _tokenizer(folder)
    prefix, suffix = tokenizer.special_tokens
    try:
        config = _whole(folder).get_text_config()
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            f"{folder / CONFIG} describes no model that transformers knows: {first_line(error)}"
        ) from None
    return {
        "config": {**config.to_diff_dict(), "model_type": config.model_type},
        "prefix": list(prefix),
        "suffix": list(suffix),
        "tokenizer_size": tokenizer.size,
    }


def around(folder: Path, config: PreTrainedConfig) -> PreTrainedConfig | None:
    """Where a checkpoint reads pictures too: its whole configuration, with `config` for the part that reads text."""
    whole = _whole(folder)
    if whole.get_text_config() is whole:
        return None
    whole.text_config = config
    return whole


def _whole(folder: Path) -> PreTrainedConfig:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def architecture_of(checkpoint: str | Path) -> dict[str, Any]:
    """What config.json says of a checkpoint, of which no weights need to be there; its tokenizer's special tokens, or
    where there is no tokenizer, one before a text. Raises ConfigError where there is no config.json."""
    folder = checkpoint_folder(checkpoint)
    if (folder / "tokenizer.json").is_file():
        return describe(folder)
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return {"config": config.get("text_config", config), "prefix": [0], "suffix": []}
    except ValueError as error:
        raise ConfigError(f"{folder / CONFIG} is not JSON: {error}.") from None


def config_of(described: Mapping[str, Any]) -> PreTrainedConfig:
    from transformers import AutoConfig

    try:
        settings = dict(described["config"])
        return AutoConfig.for_model(settings.pop("model_type"), **settings)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"model.architecture describes no model that transformers knows: {first_line(error)}"
        ) from None


def require_fitting(
    config: PreTrainedConfig,
    described: Mapping[str, Any],
    vocabulary_size: int,
    folder: Path | None,
    encode: Encode | None,
) -> None:
    """Raises ConfigError where the model reads no text, or reads that of another tokenizer. encode: how the notes are
    cut, where that is known."""
    known = getattr(config, "vocab_size", None)
    if known is None:
        raise ConfigError(f"A {config.model_type} model reads no text; choose a text encoder or decoder.")
    if vocabulary_size > known:
        raise ConfigError(
            f"The notes are cut into {vocabulary_size} different tokens, the pretrained model knows {known}; cut them "
            "with its own tokenizer (text.tokens = 'subwords')."
        )
    expected = described.get("tokenizer_size")
    if folder is not None and expected != vocabulary_size:
        raise ConfigError(
            f"The notes are cut by a tokenizer of {vocabulary_size} tokens, the one in {folder} has {expected}; cut "
            "the notes with the tokenizer of the pretrained model."
        )
    if folder is None or encode is None:
        return
    if not np.array_equal(encode(PROBE), _tokenizer(folder).encode(PROBE)):
        raise ConfigError(
            f"The notes are cut by another tokenizer than the one in {folder}: it has as many tokens, and gives other "
            "numbers to the same text. Prepare the notes with the tokenizer of the pretrained model (text.checkpoint)."
        )


def _tokenizer(folder: Path) -> Subwords:
    from icdcoder.text.readers.subwords import Subwords

    return Subwords.load(folder)


def first_line(error: BaseException) -> str:
    """The first line of an error of transformers, as a sentence."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".:") + "."
