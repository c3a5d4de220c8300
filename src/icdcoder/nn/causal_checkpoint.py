"""A causal language model with its output layer, from a folder on disk or from its architecture alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from icdcoder.core.components import extra_named
from icdcoder.core.errors import ConfigError
from icdcoder.text.checkpoints import CONFIG

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel


@dataclass(frozen=True, slots=True)
class CausalModel:
    """architecture: its config.json, which is all that is needed to build it again. limit: tokens that it reads at
    once; None: any number."""

    model: PreTrainedModel
    architecture: dict[str, Any]
    limit: int | None


def load_causal(source: Path | Mapping[str, Any], vocabulary_size: int, weights: str = "float32") -> CausalModel:
    """source: a checkpoint's folder; or an architecture, whose weights are then drawn at random. vocabulary_size: of
    the tokenizer.

    Raises ConfigError where the checkpoint is of another kind, incomplete, or knows fewer tokens than the tokenizer;
    MissingExtraError without the extra [llm].
    """
    with extra_named("A language model"):
        from transformers import AutoConfig, AutoModelForCausalLM
        from transformers.utils import logging
    folder = source if isinstance(source, Path) else None
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        if isinstance(source, Path):
            config = AutoConfig.from_pretrained(source, local_files_only=True)
        else:
            settings = dict(source)
            config = AutoConfig.for_model(settings.pop("model_type"), **settings)
        _require_causal(config, vocabulary_size, folder)
        config.use_cache = False
        dtype = getattr(torch, weights)
        if folder is None:
            model, missing = AutoModelForCausalLM.from_config(config, dtype=dtype), []
        else:
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                folder, config=config, dtype=dtype, local_files_only=True, output_loading_info=True
            )
            model, found = loaded
            missing = sorted(found["missing_keys"])
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        if isinstance(error, ConfigError):
            raise
        where = folder or "The architecture"
        raise ConfigError(f"{where} gives no causal language model: {str(error).strip().splitlines()[0]}") from None
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
    if missing:
        raise ConfigError(
            f"{folder} lacks {len(missing)} weights of a language model, {missing[0]} the first of them; an encoder, "
            "or a model saved without its output layer, cannot answer questions."
        )
    described = {**config.to_diff_dict(), "model_type": config.model_type}
    described.pop("dtype", None)
    return CausalModel(model.eval(), described, _limit(config))


def _require_causal(config: PreTrainedConfig, vocabulary_size: int, folder: Path | None) -> None:
    from transformers import AutoModelForCausalLM

    if config.is_encoder_decoder or type(config) not in AutoModelForCausalLM._model_mapping:
        raise ConfigError(f"A {config.model_type} model is no causal language model; choose a decoder such as LLaMA.")
    known = getattr(config, "vocab_size", None)
    if known is not None and vocabulary_size > known:
        raise ConfigError(
            f"The tokenizer has {vocabulary_size} tokens, the model {known}; {folder / CONFIG if folder else 'it'} "
            "and the tokenizer belong to two models."
        )


def _limit(config: PreTrainedConfig) -> int | None:
    """Within a sliding window every token sees the whole text, as the masks of `nn/shared_prefix.py` have it."""
    found = [getattr(config, name, None) for name in ("max_position_embeddings", "sliding_window")]
    known = [int(length) for length in found if length]
    return min(known) if known else None
