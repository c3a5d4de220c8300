"""CAML against its equations, written out in numpy one note, one position and one code at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import caml
from icdcoder.nn.contract import PAD, Batch, ModelContext

WORDS, CODES = 25, 6


def naive(weights: dict[str, np.ndarray], note: list[int], positions: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and attention "code position", of one note read at so many positions."""
    words = weights["words.embedding.weight"]
    filters = weights["convolution.convolution.weight"]  # filter width k
    kernel = filters.shape[2]
    states = []
    for n in range(positions):
        state = weights["convolution.convolution.bias"].astype(np.float64)
        for j in range(kernel):
            at = n - kernel // 2 + j
            if 0 <= at < len(note):
                state = state + filters[:, :, j] @ words[note[at]]
        states.append(np.tanh(state))
    logits, rows = [], []
    matrices = (weights[f"label_attention.{name}"] for name in ("queries", "weights", "bias"))
    for query, weight, bias in zip(*matrices, strict=True):
        exponentials = [math.exp(query @ state) for state in states]
        row = [e / sum(exponentials) for e in exponentials]
        read = sum(share * state for share, state in zip(row, states, strict=True))
        logits.append(weight @ read + bias)
        rows.append(row)
    return np.array(logits), np.array(rows)


def build(**settings: object) -> tuple[caml.CAML, dict[str, np.ndarray]]:
    torch.manual_seed(0)
    space = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))
    config = caml.Config(embedding=7, filters=5, **settings)
    model = caml.build(config, ModelContext(WORDS, space)).eval()
    with torch.no_grad():
        model.label_attention.queries.mul_(3)  # so that attention is far from even
    return model, {name: value.numpy().copy() for name, value in model.state_dict().items()}


def batch(notes: list[list[int]], width: int | None = None) -> Batch:
    width = width or max(map(len, notes))
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, tokens != PAD)


NOTES = [[3, 4, 5, 6, 7, 8, 9, 3, 3, 20, 21, 22], [5], [9, 8, 7, 24, 2]]


@pytest.mark.parametrize("kernel", [1, 3, 4, 10])
@pytest.mark.parametrize("notes", [NOTES, NOTES[:1], NOTES[1:2]])
def test_logits_and_attention_are_those_of_the_paper(kernel: int, notes: list[list[int]]) -> None:
    model, weights = build(kernel=kernel)
    scores = model(batch(notes, 15), attention_codes=torch.arange(CODES))
    for i, note in enumerate(notes):
        logits, attention = naive(weights, note, len(note))
        np.testing.assert_allclose(scores.logits[i].detach(), logits, atol=1e-5)
        np.testing.assert_allclose(scores.attention[i, :, : len(note)].detach(), attention, atol=1e-5)


@pytest.mark.parametrize("notes", [NOTES, NOTES[:1]])
def test_a_trailing_position_is_the_one_that_the_authors_code_adds(notes: list[list[int]]) -> None:
    model, weights = build(kernel=10, trailing_position=True)
    scores = model(batch(notes, 15), attention_codes=torch.arange(CODES))
    assert scores.attention.shape == (len(notes), CODES, 15)
    for i, note in enumerate(notes):
        logits, attention = naive(weights, note, len(note) + 1)
        np.testing.assert_allclose(scores.logits[i].detach(), logits, atol=1e-5)
        attention[:, -2] += attention[:, -1]
        np.testing.assert_allclose(scores.attention[i, :, : len(note)].detach(), attention[:, :-1], atol=1e-5)
        assert not scores.attention[i, :, len(note) :].any()


def test_an_odd_kernel_has_no_trailing_position() -> None:
    with_it, _ = build(kernel=3, trailing_position=True)
    without, _ = build(kernel=3)
    assert torch.equal(with_it(batch(NOTES)).logits, without(batch(NOTES)).logits)


def test_a_trailing_position_leaves_an_empty_note_finite() -> None:
    model, _ = build(kernel=4, trailing_position=True)
    empty = Batch(torch.zeros(2, 3, dtype=torch.long), torch.tensor([[False] * 3, [True] * 3]))
    scores = model(empty, attention_codes=torch.tensor([0]))
    assert torch.equal(scores.logits[0], model.label_attention.bias)
    assert not scores.attention[0].any()


@pytest.mark.parametrize("trailing", [True, False])
def test_without_the_mask_padding_is_read_as_the_authors_code_does(trailing: bool) -> None:
    model, weights = build(kernel=10, mask_padding=False, trailing_position=trailing)
    given = batch(NOTES, 15)
    logits = model(given).logits.detach()
    for i, tokens in enumerate(given.tokens.tolist()):
        np.testing.assert_allclose(logits[i], naive(weights, tokens, 15 + trailing)[0], atol=1e-5)


def test_matrices_start_xavier_uniform() -> None:
    space = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(500))
    model = caml.build(caml.Config(), ModelContext(WORDS, space))
    for matrix, ins, outs in (
        (model.convolution.convolution.weight, 100 * 10, 50 * 10),
        (model.label_attention.queries, 50, 500),
        (model.label_attention.weights, 50, 500),
    ):
        bound = math.sqrt(6 / (ins + outs))
        assert 0.95 * bound < matrix.abs().max() <= bound
        assert abs(matrix.std() - bound / math.sqrt(3)) < 0.05 * bound
