"""Rotary positions stretched by transformers, against the papers' equations written out one dimension at a time."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from icdcoder.core.errors import ConfigError
from icdcoder.nn.pretrained.rope import Yarn, extend_context

transformers = pytest.importorskip("transformers", reason="needs the extra [llm]")
HEAD = 16


def llama(**changes: object) -> object:
    sizes = {"vocab_size": 50, "hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1}
    return transformers.LlamaConfig(**sizes, intermediate_size=16, **{"max_position_embeddings": 256, **changes})


def rotary(config: object) -> tuple[Tensor, float]:
    """(inverse frequencies, what cos and sin are multiplied by) of the model as it is built."""
    part = transformers.AutoModel.from_config(config).rotary_emb
    return part.inv_freq, part.attention_scaling


def yarn(base: float, trained: int, factor: float, fast: float = 32, slow: float = 1) -> list[float]:
    """Peng et al. 2023, section 3.2 with the ramp along dimensions, as their code has it."""

    def dimension(turns: float) -> float:
        return HEAD * math.log(trained / (turns * 2 * math.pi)) / (2 * math.log(base))

    low, high = max(math.floor(dimension(fast)), 0), min(math.ceil(dimension(slow)), HEAD - 1)
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


@pytest.mark.parametrize(("fast", "slow", "attention"), [(16, 2, 1.0), (64, 0.5, 1.3), (8, None, None)])
def test_what_the_paper_leaves_open_of_yarn_can_be_set(
    fast: float, slow: float | None, attention: float | None
) -> None:
    config = llama(max_position_embeddings=4096)
    extend_context(config, 8192, "yarn", Yarn(fast, slow, attention))
    frequencies, scale = rotary(config)
    torch.testing.assert_close(frequencies, torch.tensor(yarn(1e4, 4096, 2.0, fast, slow or 1)), rtol=1e-5, atol=0)
    assert scale == pytest.approx(0.1 * math.log(2) + 1 if attention is None else attention)


def test_a_checkpoint_that_is_yarn_already_keeps_its_settings() -> None:
    own = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0, "original_max_position_embeddings": 2048}
    config = llama(max_position_embeddings=4096, rope_parameters={**own, "beta_fast": 16, "attention_factor": 1.0})
    extend_context(config, 8192, "yarn", Yarn(beta_slow=2))
    frequencies, scale = rotary(config)
    torch.testing.assert_close(frequencies, torch.tensor(yarn(1e4, 2048, 4.0, 16, 2)), rtol=1e-5, atol=0)
    assert scale == 1.0


@pytest.mark.parametrize("scaling", ["linear", "dynamic"])
def test_settings_of_yarn_do_not_fit_another_rule(scaling: str) -> None:
    with pytest.raises(ConfigError, match=r"settings of YaRN, and model\.scaling is"):
        extend_context(llama(), 512, scaling, Yarn(beta_fast=16))


def layered(kind: str) -> object:
    """Positions of two kinds, for layers that see the whole note and for those that see a window of it."""
    sizes = {"vocab_size": 50, "hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 2}
    more = {"head_dim": HEAD, "num_key_value_heads": 1, "sliding_window": 8} if kind == "gemma3_text" else {}
    types = ["sliding_attention", "full_attention"]
    return transformers.AutoConfig.for_model(
        kind, **sizes, **more, intermediate_size=16, max_position_embeddings=256, layer_types=types, pad_token_id=0
    )


@pytest.mark.parametrize("kind", ["gemma3_text", "modernbert"])
@pytest.mark.parametrize("scaling", ["yarn", "linear"])
def test_only_layers_that_see_the_whole_note_are_stretched(kind: str, scaling: str) -> None:
    config, before = layered(kind), transformers.AutoModel.from_config(layered(kind)).rotary_emb
    base = config.rope_parameters["full_attention"]["rope_theta"]
    extend_context(config, 512, scaling)
    after = transformers.AutoModel.from_config(config).rotary_emb
    assert torch.equal(after.sliding_attention_inv_freq, before.sliding_attention_inv_freq)
    whole = before.full_attention_inv_freq / 2 if scaling == "linear" else torch.tensor(yarn(base, 256, 2.0))
    torch.testing.assert_close(after.full_attention_inv_freq, whole, rtol=1e-5, atol=0)
    assert config.max_position_embeddings == 512


def test_the_dynamic_rule_does_not_know_two_kinds_of_layers() -> None:
    with pytest.raises(ConfigError, match=r"positions of two kinds.*'yarn' or 'linear'"):
        extend_context(layered("gemma3_text"), 512, "dynamic")


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
