"""JointLAAT against its equations, written out in numpy one note, one step and one code at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import joint_laat
from icdcoder.nn.contract import PAD, Batch, ModelContext
from icdcoder.nn.losses import binary_cross_entropy

CODES = [Code("icd9cm", value) for value in ("250.00", "250.02", "401.1", "401.9", "486")] + [Code("icd9pcs", "38.93")]
CATEGORY = [0, 0, 1, 1, 2, 3]
WORDS, HIDDEN = 25, 4


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(weights: dict[str, np.ndarray], words: list[np.ndarray], suffix: str) -> list[np.ndarray]:
    from_word, from_state = weights[f"lstm.lstm.weight_ih_{suffix}"], weights[f"lstm.lstm.weight_hh_{suffix}"]
    bias = weights[f"lstm.lstm.bias_ih_{suffix}"] + weights[f"lstm.lstm.bias_hh_{suffix}"]
    state, cell, states = np.zeros(HIDDEN), np.zeros(HIDDEN), []
    for word in words:
        into, forget, fresh, out = np.split(from_word @ word + from_state @ state + bias, 4)
        cell = sigmoid(forget) * cell + sigmoid(into) * np.tanh(fresh)
        state = sigmoid(out) * np.tanh(cell)
        states.append(state)
    return states


def read(weights: dict[str, np.ndarray], level: str, keys: str, states: list[np.ndarray]) -> list[np.ndarray]:
    """What each label of a level reads."""
    found = []
    for query in weights[f"{level}.queries"]:
        shares = [math.exp(query @ np.tanh(weights[f"{keys}.weight"] @ state)) for state in states]
        found.append(sum(s * state for s, state in zip(shares, states, strict=True)) / sum(shares))
    return found


def naive(weights: dict[str, np.ndarray], note: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Logits of the categories and of the codes."""
    words = [weights["words.embedding.weight"][token].astype(np.float64) for token in note]
    backward = lstm(weights, words[::-1], "l0_reverse")[::-1]
    states = [np.concatenate(pair) for pair in zip(lstm(weights, words, "l0"), backward, strict=True)]
    first = np.array(
        [
            weights["category_attention.weights"][label] @ vector + weights["category_attention.bias"][label]
            for label, vector in enumerate(read(weights, "category_attention", "category_keys", states))
        ]
    )
    told = sigmoid(weights["projection.weight"] @ sigmoid(first))
    second = []
    for label, vector in enumerate(read(weights, "label_attention", "code_keys", states)):
        weight = np.concatenate([weights["label_attention.weights"][label], weights["from_categories.weight"][label]])
        second.append(weight @ np.concatenate([vector, told]) + weights["label_attention.bias"][label])
    return first, np.array(second)


def build(**settings: object) -> tuple[joint_laat.JointLAAT, dict[str, np.ndarray]]:
    torch.manual_seed(0)
    config = joint_laat.Config(embedding=7, hidden=HIDDEN, attended=5, projection=3, dropout=0.0, **settings)
    model = joint_laat.build(config, ModelContext(WORDS, LabelSpace(CODES)))
    with torch.no_grad():  # so that attention is far from even, and logits are not small
        for name, parameter in model.named_parameters():
            if "lstm" not in name and "words" not in name:
                parameter.mul_(40)
    return model, {name: value.numpy().copy() for name, value in model.state_dict().items()}


def batch(notes: list[list[int]], width: int, targets: torch.Tensor | None = None) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, tokens != PAD, targets)


NOTES = [[3, 4, 5, 6, 7, 8, 9, 3, 3, 20, 21, 22], [5], [9, 8, 7, 24, 2]]


@pytest.mark.parametrize("notes", [NOTES, NOTES[:1], NOTES[1:2]])
def test_logits_are_those_of_the_paper(notes: list[list[int]]) -> None:
    model, weights = build()
    scores = model.eval()(batch(notes, 15))
    for i, note in enumerate(notes):
        np.testing.assert_allclose(scores.logits[i].detach(), naive(weights, note)[1], atol=1e-5)


def test_codes_are_told_of_their_categories() -> None:
    assert build()[0].category_of.tolist() == CATEGORY


def test_the_loss_is_that_of_both_levels() -> None:
    model, weights = build()
    gold = np.array([[1, 1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0]], dtype=np.float64)
    given = batch(NOTES, 14, torch.tensor(gold, dtype=torch.float32))
    scores = model(given)
    losses = [[], []]
    for note, codes in zip(NOTES, gold, strict=True):
        above = [max(codes[i] for i in range(6) if CATEGORY[i] == category) for category in range(4)]
        for level, (logits, targets) in enumerate(zip(naive(weights, note), (above, codes), strict=True)):
            losses[level] += [
                math.log1p(math.exp(-z)) if y else math.log1p(math.exp(z)) for z, y in zip(logits, targets, strict=True)
            ]
    expected = (4 * np.mean(losses[0]) + 6 * np.mean(losses[1])) / 10
    np.testing.assert_allclose((binary_cross_entropy(scores, given) + scores.penalty).item(), expected, rtol=1e-5)
    assert model.eval()(given).penalty is None


def test_a_model_saved_with_other_categories_is_loaded_as_it_was() -> None:
    torch.manual_seed(1)
    words = build()[0].words
    other = joint_laat.JointLAAT(
        words, 7, torch.tensor([0, 1, 2, 3, 4, 5]), hidden=HIDDEN, attended=5, projection=3
    ).eval()
    model = build()[0].eval()
    model.load_state_dict(other.state_dict())
    assert torch.equal(model(batch(NOTES, 12)).logits, other(batch(NOTES, 12)).logits)
