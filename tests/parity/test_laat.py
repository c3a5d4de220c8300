"""LAAT against its equations, written out in numpy one note, one step and one code at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import laat
from icdcoder.nn.contract import PAD, Batch, ModelContext

WORDS, CODES, HIDDEN = 25, 6, 4


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(weights: dict[str, np.ndarray], words: list[np.ndarray], suffix: str) -> list[np.ndarray]:
    """Hochreiter and Schmidhuber's cell with a forget gate; gates stacked as input, forget, cell, output."""
    from_word, from_state = weights[f"lstm.lstm.weight_ih_{suffix}"], weights[f"lstm.lstm.weight_hh_{suffix}"]
    bias = weights[f"lstm.lstm.bias_ih_{suffix}"] + weights[f"lstm.lstm.bias_hh_{suffix}"]
    state, cell, states = np.zeros(HIDDEN), np.zeros(HIDDEN), []
    for word in words:
        into, forget, fresh, out = np.split(from_word @ word + from_state @ state + bias, 4)
        cell = sigmoid(forget) * cell + sigmoid(into) * np.tanh(fresh)
        state = sigmoid(out) * np.tanh(cell)
        states.append(state)
    return states


def naive(
    weights: dict[str, np.ndarray], note: list[int], layers: int, positions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and attention "code position", of one note, its states filled up with zeros to `positions`."""
    states = [weights["words.embedding.weight"][token].astype(np.float64) for token in note]
    for layer in range(layers):
        forward = lstm(weights, states, f"l{layer}")
        backward = lstm(weights, states[::-1], f"l{layer}_reverse")[::-1]
        states = [np.concatenate(pair) for pair in zip(forward, backward, strict=True)]
    states += [np.zeros(2 * HIDDEN)] * (positions - len(note))
    logits, rows = [], []
    matrices = (weights[f"label_attention.{name}"] for name in ("queries", "weights", "bias"))
    for query, weight, bias in zip(*matrices, strict=True):
        exponentials = [math.exp(query @ np.tanh(weights["projection.weight"] @ state)) for state in states]
        row = [e / sum(exponentials) for e in exponentials]
        logits.append(weight @ sum(share * state for share, state in zip(row, states, strict=True)) + bias)
        rows.append(row)
    return np.array(logits), np.array(rows)


def build(**settings: object) -> tuple[laat.LAAT, dict[str, np.ndarray]]:
    torch.manual_seed(0)
    space = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))
    config = laat.Config(embedding=7, hidden=HIDDEN, attended=5, **settings)
    model = laat.build(config, ModelContext(WORDS, space)).eval()
    with torch.no_grad():  # so that attention is far from even, and logits are not small
        for matrix in (model.projection.weight, model.label_attention.queries, model.label_attention.weights):
            matrix.mul_(60)
    return model, {name: value.numpy().copy() for name, value in model.state_dict().items()}


def batch(notes: list[list[int]], width: int | None = None) -> Batch:
    width = width or max(map(len, notes))
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, tokens != PAD)


NOTES = [[3, 4, 5, 6, 7, 8, 9, 3, 3, 20, 21, 22], [5], [9, 8, 7, 24, 2]]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("notes", [NOTES, NOTES[:1], NOTES[1:2]])
def test_logits_and_attention_are_those_of_the_paper(layers: int, notes: list[list[int]]) -> None:
    model, weights = build(layers=layers)
    scores = model(batch(notes, 15), attention_codes=torch.arange(CODES))
    for i, note in enumerate(notes):
        logits, attention = naive(weights, note, layers, len(note))
        np.testing.assert_allclose(scores.logits[i].detach(), logits, atol=1e-5)
        np.testing.assert_allclose(scores.attention[i, :, : len(note)].detach(), attention, atol=1e-5)


@pytest.mark.parametrize("width", [12, 15])
def test_without_the_mask_zeros_take_their_share_as_in_the_authors_code(width: int) -> None:
    model, weights = build(mask_padding=False)
    logits = model(batch(NOTES, width)).logits.detach()
    for i, note in enumerate(NOTES):
        np.testing.assert_allclose(logits[i], naive(weights, note, 1, width)[0], atol=1e-5)


def test_the_share_of_the_zeros_is_not_small() -> None:
    model, _ = build(mask_padding=False)
    alone = model(batch(NOTES[1:2])).logits
    assert (model(batch(NOTES, 15)).logits[1] - alone).abs().max() > 0.1


def test_matrices_start_normal_with_the_authors_spread() -> None:
    space = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(500))
    model = laat.build(laat.Config(hidden=64, attended=64), ModelContext(WORDS, space))
    for matrix in (model.projection.weight, model.label_attention.queries, model.label_attention.weights):
        assert abs(matrix.std() - 0.03) < 0.001
        assert abs(matrix.mean()) < 0.001


def test_frozen_words_are_not_trained() -> None:
    space = LabelSpace([Code("icd9cm", "401.9")])
    vectors = torch.randn(WORDS, 7)
    model = laat.build(laat.Config(embedding=7, freeze_words=True), ModelContext(WORDS, space, vectors))
    model(batch(NOTES)).logits.sum().backward()
    assert model.words.embedding.weight.grad is None
