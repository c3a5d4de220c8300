"""A longer context for models with rotary positions, from one setting.

With a trained context L, a wanted context L' and s = L'/L, for the inverse frequency θ_d of dimension pair d:

    linear (Chen et al. 2023, arXiv 2306.15595)     θ'_d = θ_d / s
    dynamic (NTK-aware, bloc97 and emozilla 2023)   the base b becomes b · (s n / L − (s − 1))^(D/(D−2)) once a batch is
                                                    longer than L, for its longest note of n tokens
    yarn (Peng et al. 2023, arXiv 2309.00071)       θ'_d = (1 − γ_d) θ_d / s + γ_d θ_d, γ falling from 1 to 0 between
                                                    the dimensions that turn β_fast = 32 and β_slow = 1 times within L;
                                                    and cos and sin are multiplied by 0.1 ln s + 1

transformers computes all three; here its settings are made so that they agree with each other: left to itself it takes
the enlarged context for the trained one. "dynamic" makes a note's states depend on the longest note that was read
with or before it, which the others do not. Where layers have positions of two kinds (Gemma 3, ModernBERT), those that
see the whole note are stretched; the others look no further than their window.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from icdcoder.core.errors import ConfigError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

Scaling = Literal["yarn", "linear", "dynamic"]
# What transformers calls the layers that see the whole note, where others see a window of it.
WHOLE = "full_attention"
# Of a checkpoint's own YaRN, unless other values are given.
OF_YARN = ("attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "truncate")


@dataclass(frozen=True, slots=True)
class Yarn:
    """beta_fast, beta_slow: turns within the trained context above which a dimension is left as it is, and below which
    it is stretched whole. attention_factor: what cos and sin are multiplied by. None: the checkpoint's own value where
    it is stretched by YaRN already, else the paper's."""

    beta_fast: float | None = None
    beta_slow: float | None = None
    attention_factor: float | None = None


OF_THE_CHECKPOINT = Yarn()


def extend_context(
    config: PreTrainedConfig, context: int, scaling: Scaling = "yarn", yarn: Yarn = OF_THE_CHECKPOINT
) -> None:
    """Changes `config` so that the model reads `context` tokens. Nothing changes where it reads as many already.

    Raises ConfigError where the model has no rotary positions, or has been scaled by a rule of its own.
    """
    trained = getattr(config, "max_position_embeddings", None)
    rope: dict[str, Any] | None = getattr(config, "rope_parameters", None)
    if trained is not None and context <= trained:
        return
    layered = bool(rope) and WHOLE in rope
    own = rope[WHOLE] if rope and layered else rope
    if trained is None or not own or "rope_theta" not in own:
        raise ConfigError(
            f"A {config.model_type} model has no rotary positions that could be stretched to a context of {context}; "
            "read long notes in chunks instead (model.chunk)."
        )
    if yarn != OF_THE_CHECKPOINT and scaling != "yarn":
        raise ConfigError(
            f"model.beta_fast, beta_slow and attention_factor are settings of YaRN, and model.scaling is {scaling!r}."
        )
    if layered and scaling == "dynamic":
        raise ConfigError(
            f"The layers of a {config.model_type} model have positions of two kinds, which model.scaling = 'dynamic' "
            "does not know apart: set model.scaling = 'yarn' or 'linear'."
        )
    stretched = _stretched(config, own, trained, context, scaling, yarn)
    config.rope_parameters = {**rope, WHOLE: stretched} if rope and layered else stretched
    # The dynamic rule reads the trained context here, and stretches from there by itself.
    config.max_position_embeddings = stretched["original_max_position_embeddings"] if scaling == "dynamic" else context


def _stretched(
    config: PreTrainedConfig, rope: dict[str, Any], trained: int, context: int, scaling: Scaling, yarn: Yarn
) -> dict[str, Any]:
    kind = rope.get("rope_type", "default")
    if kind not in ("default", "yarn", "linear", "dynamic"):
        raise ConfigError(
            f"This {config.model_type} model is stretched by {kind!r} to {trained} tokens already; set model.context "
            f"to {trained} at most, or read long notes in chunks (model.chunk)."
        )
    original = int(rope.get("original_max_position_embeddings") or _unscaled(trained, rope, kind))
    kept = {key: rope[key] for key in ("rope_theta", "partial_rotary_factor") if key in rope}
    if scaling == "yarn":
        kept |= {key: rope[key] for key in OF_YARN if kind == "yarn" and rope.get(key) is not None}
        kept |= {key: value for key, value in asdict(yarn).items() if value is not None}
    return {
        **kept,
        "rope_type": scaling,
        "factor": context / original,
        **({"original_max_position_embeddings": original} if scaling != "linear" else {}),
    }


def _unscaled(trained: int, rope: dict[str, Any], kind: str) -> int:
    """A linear scaling says its factor and not what it started from."""
    return round(trained / rope["factor"]) if kind == "linear" else trained
