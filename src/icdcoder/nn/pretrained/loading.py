"""Pretrained encoders and decoders of Hugging Face, from a folder on disk or from their architecture alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from icdcoder.core.components import extra_named
from icdcoder.core.errors import ConfigError
from icdcoder.nn.pretrained.architecture import Encode, around, config_of, describe, first_line, require_fitting
from icdcoder.nn.pretrained.rope import OF_THE_CHECKPOINT, Scaling, Yarn, extend_context
from icdcoder.text.checkpoints import CONFIG, checkpoint_folder

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

Attention = Literal["sdpa", "eager", "flash_attention_2"]
Weights = Literal["float32", "bfloat16", "float16"]
# Families that count positions from behind their padding token.
OFFSET_POSITIONS = ("camembert", "longformer", "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl")


@dataclass(frozen=True, slots=True)
class Pretrained:
    """model: takes input_ids and attention_mask, gives last_hidden_state. limit: how many tokens it reads at once,
    special ones included; None: any number. prefix, suffix: numbers of the special tokens around a text. found: whether
    the weights are those of a checkpoint, and can be had from there again."""

    model: PreTrainedModel
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    limit: int | None
    architecture: dict[str, Any]
    found: bool


def load_pretrained(
    checkpoint: str | Path | None,
    architecture: Mapping[str, Any] | None,
    vocabulary_size: int,
    *,
    context: int | None = None,
    scaling: Scaling = "yarn",
    yarn: Yarn = OF_THE_CHECKPOINT,
    attention: Attention = "sdpa",
    weights: Weights = "float32",
    writes: bool = False,
    encode: Encode | None = None,
) -> Pretrained:
    """The model of a checkpoint; or, where an architecture is given, that model with weights drawn at random.

    vocabulary_size: of the tokenizer that cuts the notes. context: tokens to read at once, by stretching rotary
    positions where the model was trained on fewer. weights: the type in which its weights are kept. writes: the whole
    model, with the decoder and the head that gives logits of the next token, instead of the part that reads. encode:
    how the notes are cut, to compare it with the tokenizer of the checkpoint.
    Raises ConfigError where there is neither, where the checkpoint is missing, incomplete or of other sizes than its
    config.json says, or where the notes are cut by another tokenizer, or where an encoder is to write;
    MissingExtraError without the extra [llm].
    """
    with extra_named("A pretrained model"):
        import transformers
    if architecture is not None:
        folder, described = None, dict(architecture)
    elif checkpoint is not None:
        folder = checkpoint_folder(checkpoint)
        described = describe(folder)
    else:
        raise ConfigError("A pretrained model is needed: set model.checkpoint to the folder of its config.json.")
    config = config_of(described)
    require_fitting(config, described, vocabulary_size, folder, encode)
    if context is not None:
        extend_context(config, context, scaling, yarn)
    config.use_cache = False
    with _quiet(transformers):
        model = _load(config, folder, attention, getattr(torch, weights), writes)
    described["config"] = {**config.to_diff_dict(), "model_type": config.model_type}
    described["config"].pop("dtype", None)
    return Pretrained(
        model=model,
        prefix=tuple(described["prefix"]),
        suffix=tuple(described["suffix"]),
        limit=max(context or 0, limit) if (limit := _limit(config)) is not None else None,
        architecture=described,
        found=folder is not None,
    )


def require_learnable(weights: Weights, trained: bool) -> None:
    """For the validation of settings. trained: the pretrained weights themselves, not adapters beside them."""
    if trained and weights != "float32":
        raise ValueError(
            f"weights in {weights} would learn little, as an optimiser's small steps are rounded away: set weights = "
            "'float32' (train.precision = 'bf16' computes in bfloat16), or do not train the pretrained weights"
        )


def add_lora(
    model: PreTrainedModel, *, rank: int, alpha: float, dropout: float, targets: Sequence[str] = ("all-linear",)
) -> None:
    """Low-rank adapters (Hu et al. 2021, arXiv 2106.09685) beside linear layers; only they are trained.

    A layer's W x becomes W x + (alpha / rank) B A x with A "rank in", B "out rank", B zero at first. targets: how the
    names of the layers end; "all-linear": every layer but the one that gives logits; none: those that peft knows for
    the family, mostly the queries and values of attention. Raises ConfigError where a name fits no layer,
    MissingExtraError without the extra [llm].
    """
    with extra_named("Fine-tuning with LoRA"):
        import peft
    named: Any = "all-linear" if list(targets) == ["all-linear"] else list(targets) or None
    settings = peft.LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=named)  # pyright: ignore[reportArgumentType]
    try:
        peft.inject_adapter_in_model(settings, model)
    except ValueError as error:
        told = f"beside the layers {', '.join(targets)}" if targets else "where peft would put it in this family"
        raise ConfigError(
            f"LoRA cannot be put {told}. Name layers of the model in model.lora_targets, or take 'all-linear'. "
            f"({first_line(error)})"
        ) from None
    for weight in model.parameters():
        if weight.requires_grad:  # an optimiser's small steps would be lost in half precision
            weight.data = weight.data.float()


def _load(
    config: PreTrainedConfig, folder: Path | None, attention: Attention, dtype: torch.dtype, writes: bool
) -> PreTrainedModel:
    try:
        model = _loaded(config, folder, attention, dtype, writes)
    except ValueError as error:
        if attention == "sdpa" and "scaled_dot_product_attention" in str(error):  # Longformer, LED, BigBird
            model = _loaded(config, folder, "eager", dtype, writes)
        else:
            raise ConfigError(f"The {config.model_type} model cannot be built: {first_line(error)}") from None
    except ImportError as error:
        raise ConfigError(f"The {config.model_type} model cannot be built: {first_line(error)}") from None
    if writes:
        if config.is_encoder_decoder:
            config.decoder_start_token_id = model.config.decoder_start_token_id = _first_of_answer(model)
        return model
    if config.is_encoder_decoder:
        model = model.get_encoder()
    if getattr(model, "pooler", None) is not None:
        del model.pooler  # it has no part in the states of tokens
        model.register_module("pooler", None)
    return model


def _loaded(
    config: PreTrainedConfig, folder: Path | None, attention: str, dtype: torch.dtype, writes: bool
) -> PreTrainedModel:
    import transformers
    from safetensors import SafetensorError

    family = "AutoModel"
    if writes:
        _require_causal(config)
        family = "AutoModelForSeq2SeqLM" if config.is_encoder_decoder else "AutoModelForCausalLM"
    auto = getattr(transformers, family)
    if folder is None:
        return auto.from_config(config, attn_implementation=attention, dtype=dtype)
    whole = around(folder, config)
    if whole is not None and writes:
        raise ConfigError(f"{folder} reads pictures too; of such a model icdcoder has the part that reads, not writes.")
    try:
        model, found = auto.from_pretrained(
            folder,
            config=whole or config,
            attn_implementation=attention,
            dtype=dtype,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, RuntimeError, SafetensorError) as error:
        raise ConfigError(f"The weights in {folder} cannot be loaded: {first_line(error)}") from None
    missing = sorted(key for key in found["missing_keys"] if "pooler" not in key)
    if missing:
        raise ConfigError(
            f"{folder} lacks {len(missing)} weights that its {CONFIG} asks for, {missing[0]} the first of them; it is "
            "incomplete or of another model."
        )
    return model if whole is None else model.language_model


def _require_causal(config: PreTrainedConfig) -> None:
    """BERT and its kin have a head for tokens too, and would see the answer that they are to learn to write."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    bare = not config.is_encoder_decoder and not getattr(config, "is_decoder", False)
    if bare and config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        raise ConfigError(
            f"A {config.model_type} model reads a text in both directions and cannot write: take a decoder-only model "
            "(LLaMA …) or one of the T5 family. Encoders are for plm_icd, plm_ca, hilat and llm_classifier."
        )


def _first_of_answer(model: PreTrainedModel) -> int:
    """The token after which a decoder begins. It stands in either of two files; T5 takes its padding where in none."""
    for settings in (model.config, model.generation_config):
        start = getattr(settings, "decoder_start_token_id", None)
        if start is not None:
            return int(start)
    return int(model.config.pad_token_id or 0)


def _limit(config: PreTrainedConfig) -> int | None:
    positions = getattr(config, "max_position_embeddings", None)
    if positions is None or positions <= 0:
        return None
    offset = (config.pad_token_id or 0) + 1 if config.model_type in OFFSET_POSITIONS else 0
    return positions - offset


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Without the reports and bars of transformers: what matters in them is checked here and raised."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
