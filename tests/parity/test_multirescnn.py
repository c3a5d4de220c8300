"""MultiResCNN against its equations, written out in numpy one note, one position and one code at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.config import build as configure
from icdcoder.core.errors import ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import multirescnn
from icdcoder.nn.contract import PAD, Batch, ModelContext

WORDS, CODES = 25, 6
Weights = dict[str, np.ndarray]


def convolve(weights: Weights, name: str, states: list[np.ndarray]) -> list[np.ndarray]:
    filters = weights[f"{name}.convolution.weight"]  # filter width k
    kernel, found = filters.shape[2], []
    for n in range(len(states)):
        state = np.zeros(len(filters)) + weights.get(f"{name}.convolution.bias", 0.0)
        for j in range(kernel):
            at = n - kernel // 2 + j
            if 0 <= at < len(states):
                state = state + filters[:, :, j] @ states[at]
        found.append(state)
    return found


def normalise(weights: Weights, name: str, states: list[np.ndarray]) -> list[np.ndarray]:
    mean, variance = weights[f"{name}.norm.running_mean"], weights[f"{name}.norm.running_var"]
    scale, shift = weights[f"{name}.norm.weight"], weights[f"{name}.norm.bias"]
    return [(state - mean) / np.sqrt(variance + 1e-5) * scale + shift for state in states]


def tanh(states: list[np.ndarray]) -> list[np.ndarray]:
    return [np.tanh(state) for state in states]


def encode(weights: Weights, note: list[int], kernels: int, blocks: int) -> list[np.ndarray]:
    words = [weights["words.embedding.weight"][token].astype(np.float64) for token in note]
    found = []
    for k in range(kernels):
        states = tanh(convolve(weights, f"filters.{k}.convolution", words))
        for b in range(blocks):
            block = f"filters.{k}.blocks.{b}"
            left = tanh(normalise(weights, f"{block}.first_norm", convolve(weights, f"{block}.first", states)))
            left = normalise(weights, f"{block}.second_norm", convolve(weights, f"{block}.second", left))
            right = normalise(weights, f"{block}.shortcut_norm", convolve(weights, f"{block}.shortcut", states))
            states = tanh([a + c for a, c in zip(left, right, strict=True)])
        found.append(states)
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def naive(
    weights: Weights, note: list[int], kernels: int, blocks: int, *, second_tanh: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and attention "code position", of one note."""
    states = encode(weights, note, kernels, blocks)
    states = tanh(states) if second_tanh else states
    logits, rows = [], []
    matrices = (weights[f"label_attention.{name}"] for name in ("queries", "weights", "bias"))
    for query, weight, bias in zip(*matrices, strict=True):
        exponentials = [math.exp(query @ state) for state in states]
        row = [e / sum(exponentials) for e in exponentials]
        logits.append(weight @ sum(share * state for share, state in zip(row, states, strict=True)) + bias)
        rows.append(row)
    return np.array(logits), np.array(rows)


def build(**settings: object) -> tuple[multirescnn.MultiResCNN, Weights]:
    torch.manual_seed(0)
    space = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))
    config = multirescnn.Config(embedding=7, **settings)
    model = multirescnn.build(config, ModelContext(WORDS, space)).eval()
    with torch.no_grad():
        model.label_attention.queries.mul_(3)  # so that attention is far from even
        for name, value in model.named_buffers():  # as after some training
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape) + (0.5 if name.endswith("var") else -0.5))
    return model, {name: value.numpy().copy() for name, value in model.state_dict().items()}


def batch(notes: list[list[int]], width: int | None = None) -> Batch:
    width = width or max(map(len, notes))
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, tokens != PAD)


NOTES = [[3, 4, 5, 6, 7, 8, 9, 3, 3, 20, 21, 22], [5], [9, 8, 7, 24, 2]]


@pytest.mark.parametrize(("kernels", "blocks"), [((3, 5, 9), (4,)), ((1, 25), (6, 4))])
@pytest.mark.parametrize("notes", [NOTES, NOTES[:1], NOTES[1:2]])
def test_logits_and_attention_are_those_of_the_paper(
    kernels: tuple[int, ...], blocks: tuple[int, ...], notes: list[list[int]]
) -> None:
    model, weights = build(kernels=kernels, blocks=blocks)
    scores = model(batch(notes, 15), attention_codes=torch.arange(CODES))
    for i, note in enumerate(notes):
        logits, attention = naive(weights, note, len(kernels), len(blocks))
        np.testing.assert_allclose(scores.logits[i].detach(), logits, atol=1e-5)
        np.testing.assert_allclose(scores.attention[i, :, : len(note)].detach(), attention, atol=1e-5)


def test_without_the_mask_padding_is_read_as_the_authors_code_does() -> None:
    model, weights = build(kernels=(3, 5), blocks=(4,), mask_padding=False)
    given = batch(NOTES, 15)
    logits = model(given).logits.detach()
    for i, tokens in enumerate(given.tokens.tolist()):
        np.testing.assert_allclose(logits[i], naive(weights, tokens, 2, 1)[0], atol=1e-5)


def test_the_port_of_edin_et_al_is_repeated_on_demand() -> None:
    model, weights = build(kernels=(3, 5), blocks=(4,), mask_padding=False, base_bias=False, second_tanh=True)
    assert not [name for name in weights if name.endswith("convolution.bias")]
    given = batch(NOTES, 15)
    logits = model(given).logits.detach().numpy()
    for i, tokens in enumerate(given.tokens.tolist()):
        np.testing.assert_allclose(logits[i], naive(weights, tokens, 2, 1, second_tanh=True)[0], atol=1e-5)
        assert np.abs(logits[i] - naive(weights, tokens, 2, 1)[0]).max() > 1e-3
    first = multirescnn.MultiResCNN(
        model.words, 7, CODES, kernels=(3,), blocks=(4,), dropout=0.0, base_bias=False
    ).filters[0]
    assert first.convolution.convolution.weight.abs().max() <= (7 * 3) ** -0.5  # torch's bound; xavier's is greater


@pytest.mark.parametrize("mask_padding", [True, False])
def test_training_statistics_count_padding_only_without_the_mask(mask_padding: bool) -> None:
    model, weights = build(kernels=(3,), blocks=(4,), dropout=0.0, mask_padding=mask_padding)
    given = batch(NOTES, 15)
    model.train()(given)
    sequences = given.tokens.tolist() if not mask_padding else NOTES
    states = []
    for sequence in sequences:
        words = [weights["words.embedding.weight"][token] for token in sequence]
        states += convolve(
            weights, "filters.0.blocks.0.shortcut", tanh(convolve(weights, "filters.0.convolution", words))
        )
    norm = model.filters[0].blocks[0].shortcut_norm.norm
    before = weights["filters.0.blocks.0.shortcut_norm.norm.running_mean"]
    np.testing.assert_allclose(norm.running_mean, 0.9 * before + 0.1 * np.mean(states, 0), atol=1e-5)


@pytest.mark.parametrize("bad", [{"kernels": [3, 4]}, {"kernels": []}, {"blocks": [0]}])
def test_sizes_that_cannot_be_are_refused(bad: dict[str, list[int]]) -> None:
    with pytest.raises(ConfigError, match=r"model\.(kernels|blocks)"):
        configure(multirescnn.Config, bad, "model")
