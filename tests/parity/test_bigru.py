"""Bi-GRU against its equations, written out in numpy one note and one step at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import bigru
from icdcoder.nn.contract import PAD, Batch, ModelContext

WORDS, CODES, HIDDEN = 25, 6, 8


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gru(weights: dict[str, np.ndarray], words: list[np.ndarray], suffix: str) -> list[np.ndarray]:
    """Cho et al.'s cell, its gates stacked as reset, update, candidate; the reset gate acts behind the matrix."""
    into, onward = weights[f"gru.weight_ih_{suffix}"], weights[f"gru.weight_hh_{suffix}"]
    from_word, from_state = weights[f"gru.bias_ih_{suffix}"], weights[f"gru.bias_hh_{suffix}"]
    state, states = np.zeros(onward.shape[1]), []
    for word in words:
        reset, update, fresh = np.split(into @ word + from_word, 3)
        old_reset, old_update, old = np.split(onward @ state + from_state, 3)
        keep = sigmoid(update + old_update)
        state = (1 - keep) * np.tanh(fresh + sigmoid(reset + old_reset) * old) + keep * state
        states.append(state)
    return states


def naive(weights: dict[str, np.ndarray], note: list[int], layers: int, directions: int) -> np.ndarray:
    states = [weights["words.embedding.weight"][token].astype(np.float64) for token in note]
    last = states
    for layer in range(layers):
        forward = gru(weights, states, f"l{layer}")
        last = [forward[-1]]
        if directions == 2:
            backward = gru(weights, states[::-1], f"l{layer}_reverse")
            last.append(backward[-1])
            states = [np.concatenate(pair) for pair in zip(forward, backward[::-1], strict=True)]
        else:
            states = forward
    return weights["output.weight"] @ np.concatenate(last) + weights["output.bias"]


def build(**settings: object) -> tuple[bigru.BiGRU, dict[str, np.ndarray]]:
    torch.manual_seed(0)
    space = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))
    model = bigru.build(bigru.Config(embedding=7, hidden=HIDDEN, **settings), ModelContext(WORDS, space)).eval()
    return model, {name: value.numpy().copy() for name, value in model.state_dict().items()}


def batch(notes: list[list[int]], width: int) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, tokens != PAD)


NOTES = [[3, 4, 5, 6, 7, 8, 9, 3, 3, 20, 21, 22], [5], [9, 8, 7, 24, 2]]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("notes", [NOTES, NOTES[:1], NOTES[1:2]])
def test_logits_are_those_of_the_paper(layers: int, both: bool, notes: list[list[int]]) -> None:
    model, weights = build(layers=layers, bidirectional=both)
    logits = model(batch(notes, 15)).logits.detach()
    for i, note in enumerate(notes):
        np.testing.assert_allclose(logits[i], naive(weights, note, layers, 1 + both), atol=1e-5)


def test_without_the_mask_padding_is_read_as_the_authors_code_does() -> None:
    model, weights = build(mask_padding=False)
    given = batch(NOTES, 15)
    logits = model(given).logits.detach()
    for i, tokens in enumerate(given.tokens.tolist()):
        np.testing.assert_allclose(logits[i], naive(weights, tokens, 1, 2), atol=1e-5)


def test_a_note_without_a_token_scores_the_bias() -> None:
    model, weights = build()
    empty = Batch(torch.zeros(2, 3, dtype=torch.long), torch.tensor([[False] * 3, [True] * 3]))
    np.testing.assert_allclose(model(empty).logits[0].detach(), weights["output.bias"], atol=1e-7)
