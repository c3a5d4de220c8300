"""Rotary positions stretched by transformers, against the papers' equations written out one dimension at a time."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from icdcoder.core.errors import ConfigError
from icdcoder.nn.pretrained.rope import extend_context

transformers = pytest.importorskip("transformers", reason="needs the extra [llm]")
HEAD = 16


def llama(**changes: object) -> object:
    sizes = {"vocab_size": 50, "hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1}
    return transformers.LlamaConfig(**sizes, intermediate_size=16, **{"max_position_embeddings": 256, **changes})


def rotary(config: object) -> tuple[Tensor, float]:
    """(inverse frequencies, what cos and sin are multiplied by) of the model as it is built."""
    part = transformers.AutoModel.from_config(config).rotary_emb
    return part.inv_freq, part.attention_scaling


def yarn(base: float, trained: int, factor: float) -> list[float]:
    """Peng et al. 2023, section 3.2 with the ramp along dimensions, as their code has it (β = 32 and 1)."""

    def dimension(turns: float) -> float:
        return HEAD * math.log(trained / (turns * 2 * math.pi)) / (2 * math.log(base))

    low, high = max(math.floor(dimension(32)), 0), min(math.ceil(dimension(1)), HEAD - 1)
    found = []
    for d in range(HEAD // 2):
        theta = base ** (-2 * d / HEAD)
        interpolated = min(1.0, max(0.0, (d - low) / (high - low)))
        found.append(interpolated * theta / factor + (1 - interpolated) * theta)
    return found


@pytest.mark.parametrize(("base", "trained", "context"), [(1e4, 256, 512), (1e4, 4096, 8192), (5e5, 8192, 12288)])
def test_yarn_is_that_of_the_paper(base: float, trained: int, context: int) -> None:
    config = llama(max_position_embeddings=trained, rope_parameters={"rope_type": "default", "rope_theta": base})
    extend_context(config, context, "yarn")
    frequencies, scale = rotary(config)
    factor = context / trained
    torch.testing.assert_close(frequencies, torch.tensor(yarn(base, trained, factor)), rtol=1e-5, atol=0)
    assert scale == pytest.approx(0.1 * math.log(factor) + 1)
    assert config.max_position_embeddings == context


def test_yarn_leaves_fast_dimensions_and_stretches_slow_ones() -> None:
    config = llama(max_position_embeddings=4096)
    before, _ = rotary(config)
    extend_context(config, 16384, "yarn")
    after, _ = rotary(config)
    assert after[0] == before[0]
    torch.testing.assert_close(after[-1], before[-1] / 4)


def test_linear_divides_every_frequency() -> None:
    config = llama()
    before, _ = rotary(config)
    extend_context(config, 640, "linear")
    after, scale = rotary(config)
    torch.testing.assert_close(after, before / 2.5)
    assert scale == 1


def test_dynamic_changes_the_base_for_long_notes_only() -> None:
    config = llama()
    before, _ = rotary(config)
    extend_context(config, 1024, "dynamic")
    part = transformers.AutoModel.from_config(config).rotary_emb
    torch.testing.assert_close(part.inv_freq, before)
    part(torch.zeros(1, 1, 32), torch.arange(700)[None])
    base = 1e4 * (4 * 700 / 256 - 3) ** (HEAD / (HEAD - 2))
    expected = torch.tensor([base ** (-2 * d / HEAD) for d in range(HEAD // 2)])
    torch.testing.assert_close(part.inv_freq, expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("scaling", ["yarn", "linear", "dynamic"])
def test_stretching_twice_stretches_from_where_training_ended(scaling: str) -> None:
    once, twice = llama(), llama()
    extend_context(once, 1024, scaling)
    extend_context(twice, 512, scaling)
    extend_context(twice, 1024, scaling)
    torch.testing.assert_close(rotary(once)[0], rotary(twice)[0])
    assert rotary(once)[1] == rotary(twice)[1]


def test_what_is_read_already_changes_nothing() -> None:
    config = llama()
    before = config.to_dict()
    extend_context(config, 256)
    extend_context(config, 100)
    assert config.to_dict() == before


def test_a_model_without_rotary_positions_is_refused() -> None:
    config = transformers.BertConfig(max_position_embeddings=64)
    with pytest.raises(ConfigError, match=r"bert model has no rotary positions.*model\.chunk"):
        extend_context(config, 128)


def test_a_model_with_a_rule_of_its_own_is_refused() -> None:
    config = llama(
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 5e5,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 128,
        }
    )
    with pytest.raises(ConfigError, match="stretched by 'llama3' to 256"):
        extend_context(config, 512)
