"""LLAMA2-R + MultiResCNN against its equations, one token and one filter at a time, in evaluation."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import llm_multirescnn
from icdcoder.models.llm_multirescnn import Reduction
from icdcoder.nn.contract import PAD, Batch, ModelContext
from icdcoder.text.readers.subwords import Subwords

CODES = 5
SPACE = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))
NOTES = [[13, 4, 5, 6, 7, 8, 9, 13, 13, 20, 21, 22], [5], [9, 8, 7, 24, 12, 6]]
# The name, and how many convolutions and residual blocks it makes.
REDUCTIONS = [("cnn-12", 1, 2), ("cnn-12_map_6", 2, 2), ("residual-16", 0, 2), ("residual-7", 0, 3)]


def build(checkpoint: Path, reduction: str, layer: object = -1, kernels: tuple = (3, 5)) -> torch.nn.Module:
    torch.manual_seed(0)
    config = llm_multirescnn.Config(
        checkpoint=checkpoint, reduction=reduction, layer=layer, kernels=kernels, blocks=(5, 4)
    )
    model = llm_multirescnn.build(config, ModelContext(Subwords.load(checkpoint).size, SPACE)).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):  # so that the running statistics have a part
            torch.nn.init.normal_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    return model


def batch(notes: list[list[int]], width: int) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, torch.arange(width) < torch.tensor([len(note) for note in notes])[:, None])


def convolve(weights: dict, name: str, states: list[np.ndarray]) -> list[np.ndarray]:
    kernel = weights[f"{name}.convolution.weight"]
    bias = weights.get(f"{name}.convolution.bias", 0.0)
    found = []
    for at in range(len(states)):
        total = np.zeros(len(kernel)) + bias
        for k in range(kernel.shape[2]):
            place = at + k - kernel.shape[2] // 2
            if 0 <= place < len(states):
                total = total + kernel[:, :, k] @ states[place]
        found.append(total)
    return found


def normal(weights: dict, name: str, states: list[np.ndarray]) -> list[np.ndarray]:
    w = {part: weights[f"{name}.norm.{part}"] for part in ("running_mean", "running_var", "weight", "bias")}
    return [(s - w["running_mean"]) / np.sqrt(w["running_var"] + 1e-5) * w["weight"] + w["bias"] for s in states]


def block(weights: dict, name: str, states: list[np.ndarray]) -> list[np.ndarray]:
    left = [np.tanh(s) for s in normal(weights, f"{name}.first_norm", convolve(weights, f"{name}.first", states))]
    left = normal(weights, f"{name}.second_norm", convolve(weights, f"{name}.second", left))
    right = normal(weights, f"{name}.shortcut_norm", convolve(weights, f"{name}.shortcut", states))
    return [np.tanh(a + b) for a, b in zip(left, right, strict=True)]


def naive(model: torch.nn.Module, note: list[int], convolutions: int, blocks: int) -> np.ndarray:
    weights = {name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}
    with torch.inference_mode():  # "<s>" goes before the note
        read = model.encoder.model(input_ids=torch.tensor([[2, *note]])).last_hidden_state[0, 1:]
    reduced = [state.numpy().astype(np.float64) for state in read]
    for i in range(convolutions):
        reduced = [np.tanh(state) for state in convolve(weights, f"reduction.convolutions.{i}", reduced)]
    parts = []
    for i in range(2):
        states = [np.tanh(state) for state in convolve(weights, f"filters.{i}.convolution", reduced)]
        for number in range(blocks):
            states = block(weights, f"filters.{i}.blocks.{number}", states)
        parts.append(states)
    states = [np.concatenate(pair) for pair in zip(*parts, strict=True)]
    logits = []
    matrices = (weights[f"label_attention.{name}"] for name in ("queries", "weights", "bias"))
    for query, weight, bias in zip(*matrices, strict=True):
        exponentials = [math.exp(query @ state) for state in states]
        read = sum(e / sum(exponentials) * state for e, state in zip(exponentials, states, strict=True))
        logits.append(weight @ read + bias)
    return np.array(logits)


@pytest.mark.parametrize(("reduction", "convolutions", "blocks"), REDUCTIONS)
def test_logits_are_those_of_the_equations(
    checkpoints: dict[str, Path], reduction: str, convolutions: int, blocks: int
) -> None:
    model = build(checkpoints["llama"], reduction)
    for notes in (NOTES, NOTES[1:2]):
        logits = model(batch(notes, 15)).logits.detach()
        for row, note in zip(logits, notes, strict=True):
            np.testing.assert_allclose(row, naive(model, note, convolutions, blocks), atol=1e-5)


def test_a_mix_of_layers_is_the_weighted_mean_of_their_states(checkpoints: dict[str, Path]) -> None:
    model = build(checkpoints["llama"], "cnn-12", "mix")
    with torch.no_grad():
        model.mix.shares.copy_(torch.tensor([0.1, -1.0, 2.0]))
        model.mix.scale.fill_(1.5)
    notes = batch(NOTES, 15)
    layers = [build(checkpoints["llama"], "cnn-12", layer).states(notes) for layer in (0, 1, 2)]
    shares = [math.exp(share) for share in (0.1, -1.0, 2.0)]
    expected = 1.5 * sum(share / sum(shares) * states for share, states in zip(shares, layers, strict=True))
    torch.testing.assert_close(model.states(notes), expected)


def test_the_language_model_is_not_trained(checkpoints: dict[str, Path]) -> None:
    model = build(checkpoints["llama"], "cnn-12").train()
    before = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
    model(batch(NOTES, 15)).logits.pow(2).sum().backward()
    optimiser.step()
    assert all(torch.equal(value, before[name]) for name, value in model.encoder.state_dict().items())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cnn-1024", Reduction((1024,))),
        ("cnn-1024_map_256", Reduction((1024, 256))),
        ("cnn-100", Reduction((100,))),
        ("residual-4096", Reduction(first=4096)),
        ("residual-128", Reduction(first=128)),
    ],
)
def test_the_reductions_of_the_paper_by_name(name: str, expected: Reduction) -> None:
    assert Reduction.parse(name) == expected


@pytest.mark.parametrize("name", ["cnn", "cnn-0", "residual-", "cnn-8_map_", "cnn-8_map_0", "pca-8"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=r"reduction|width"):
        llm_multirescnn.Config(reduction=name)


def test_residual_4096_has_the_weights_that_made_it_costly() -> None:
    kernels = llm_multirescnn.Config().kernels
    assert sum(kernels) * 4096**2 == 1_275_068_416


def test_a_layer_that_is_not_there_is_refused(checkpoints: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match="layers 0 to 2"):
        build(checkpoints["llama"], "cnn-12", 3)
