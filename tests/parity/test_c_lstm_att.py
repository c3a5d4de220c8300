"""C-LSTM-Att against its equations, written out in numpy one text, one word and one letter at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import c_lstm_att
from icdcoder.nn.contract import PAD, Batch, ModelContext

CODES = [Code("icd9cm", value) for value in ("401.9", "428.0", "427.31")]
VOCABULARY = [
    "<padding>",
    "<unknown>",
    *"acute heart failure atrial fibrillation hypertension of é2 congestive".split(),
]


def encode(text: str) -> np.ndarray:
    return np.array([VOCABULARY.index(w) if w in VOCABULARY else 1 for w in text.lower().split()], dtype=np.int32)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def last(weights: dict[str, np.ndarray], name: str, inputs: list[np.ndarray]) -> np.ndarray:
    """The last state of an LSTM."""
    w = {kind: weights[f"{name}.{kind}_l0"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    state, cell = (np.zeros(w["weight_hh"].shape[1]) for _ in range(2))
    for x in inputs:
        into, forget, fresh, out = np.split(
            w["weight_ih"] @ x + w["weight_hh"] @ state + w["bias_ih"] + w["bias_hh"], 4
        )
        cell = sigmoid(forget) * cell + sigmoid(into) * np.tanh(fresh)
        state = sigmoid(out) * np.tanh(cell)
    return state


def vector(weights: dict[str, np.ndarray], encoder: str, tokens: list[int]) -> np.ndarray:
    words = []
    for token in tokens:
        letters = [int(number) for number in weights["spelt"][token] if number]
        words.append(last(weights, f"{encoder}.of_letters", [weights[f"{encoder}.letters.weight"][n] for n in letters]))
    return last(weights, f"{encoder}.of_words", words)


def naive(weights: dict[str, np.ndarray], written: list[list[int]], hard: bool) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and the share of each written diagnosis for each code."""
    states, logits, rows = [vector(weights, "of_notes", tokens) for tokens in written], [], []
    for code in range(len(CODES)):
        title = [int(token) for token in weights["titles"][code] if token]
        likeness = [state @ vector(weights, "of_titles", title) for state in states]
        if hard:
            shares = [float(value == max(likeness)) for value in likeness]
        else:
            shares = [math.exp(value) / sum(map(math.exp, likeness)) for value in likeness]
        read = sum(share * state for share, state in zip(shares, states, strict=True))
        logits.append(weights["weights"][code] @ read + weights["bias"][code])
        rows.append(shares)
    return np.array(logits), np.array(rows)


def build(**settings: object) -> tuple[c_lstm_att.CLSTMAtt, dict[str, np.ndarray]]:
    torch.manual_seed(0)
    config = c_lstm_att.Config(**{"letters": 4, "hidden": 5, "word_letters": 6, "item_tokens": 3} | settings)
    context = ModelContext(len(VOCABULARY), LabelSpace(CODES), encode=encode, words=VOCABULARY)
    model = c_lstm_att.build(config, context).eval()
    with torch.no_grad():
        for encoder in (model.of_notes, model.of_titles):
            for parameter in encoder.of_words.parameters():
                parameter.mul_(4)  # so that attention is far from even
        model.bias.uniform_()
    return model, {name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}


def batch(notes: list[list[int]], listed: list[list[int]] | None, width: int) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    if listed is None:
        return Batch(tokens, tokens != PAD)
    channel = torch.tensor([row + [0] * (width - len(row)) for row in listed])
    return Batch(tokens, tokens != PAD, channels={"diagnoses": channel})


NOTES = [[8, 2, 3, 4, 5, 6, 8, 7, 9, 2, 3], [7, 10], [2, 1, 4, 8, 8]]
LISTED = [[0, 1, 1, 1, 2, 2, 0, 0, 3, 3, 3], [1, 1], [0, 0, 1, 2, 2]]
ITEMS = [[[2, 3, 4], [5, 6], [9, 2, 3]], [[7, 10]], [[4], [8, 8]]]


@pytest.mark.parametrize("selection", ["soft", "hard"])
@pytest.mark.parametrize("chosen", [[0, 1, 2], [0], [1]])
def test_logits_are_those_of_the_paper(selection: str, chosen: list[int]) -> None:
    model, weights = build(selection=selection)
    given = batch([NOTES[i] for i in chosen], [LISTED[i] for i in chosen], 13)
    scores = model(given, attention_codes=torch.arange(3))
    for row, i in enumerate(chosen):
        logits, shares = naive(weights, ITEMS[i], selection == "hard")
        np.testing.assert_allclose(scores.logits[row].detach(), logits, atol=1e-5)
        for token, item in enumerate(LISTED[i]):
            expected = shares[:, item - 1] / len(ITEMS[i][item - 1]) if item else 0.0
            np.testing.assert_allclose(scores.attention[row, :, token].detach(), expected, atol=1e-5)


def test_a_note_without_a_list_is_read_in_windows() -> None:
    model, weights = build()
    logits = model(batch(NOTES, [[0] * len(NOTES[0]), *LISTED[1:]], 12)).logits.detach()
    windows = [NOTES[0][i : i + 3] for i in range(0, len(NOTES[0]), 3)]
    np.testing.assert_allclose(logits[0], naive(weights, windows, False)[0], atol=1e-5)
    np.testing.assert_allclose(logits[1], naive(weights, ITEMS[1], False)[0], atol=1e-5)
    torch.testing.assert_close(model(batch(NOTES[:1], None, 11)).logits[0], logits[0])


@pytest.mark.parametrize("selection", ["soft", "hard"])
def test_or_it_scores_the_bias(selection: str) -> None:
    model, weights = build(selection=selection, without_list="nothing")
    scores = model(batch(NOTES, None, 12), attention_codes=torch.arange(3))
    np.testing.assert_allclose(scores.logits.detach(), np.tile(weights["bias"], (3, 1)), atol=1e-6)
    assert not scores.attention.any()


def test_what_is_too_long_or_too_much_is_cut() -> None:
    model, weights = build(items=1, without_list="nothing")
    logits = model(batch([[2, 3, 4, 5, 6, 7]], [[1, 1, 1, 1, 2, 2]], 6)).logits.detach()
    np.testing.assert_allclose(logits[0], naive(weights, [[2, 3, 4]], False)[0], atol=1e-5)


def test_letters_of_words() -> None:
    spelt = build()[0].spelt
    assert spelt[2].tolist() == [1, 3, 21, 20, 5, 0]
    assert spelt[9].tolist() == [38, 29, 0, 0, 0, 0]
    assert not spelt[PAD].any()


def test_notes_that_are_not_read_as_words_are_refused() -> None:
    with pytest.raises(ConfigError, match="tokens"):
        c_lstm_att.build(c_lstm_att.Config(), ModelContext(5, LabelSpace(CODES), encode=encode))
