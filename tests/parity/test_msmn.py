"""MSMN against its equations, written out in numpy one note, one code, one synonym and one token at a time."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import msmn
from icdcoder.nn import synonym_reading
from icdcoder.nn.contract import PAD, Batch, ModelContext
from icdcoder.nn.losses import binary_cross_entropy

CODES = [Code("icd9cm", value) for value in ("401.9", "428.0", "427.31", "Q00")]
NAMES = [["a b c", "d", "e f"], ["g", "h i"], ["b", "c", "d", "e"], []]
WORDS, WIDTH, K = 20, 6, 3


def encode(text: str) -> np.ndarray:
    return np.array([2 + ord(word) - ord("a") for word in text.split() if len(word) == 1], dtype=np.int32)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(weights: dict[str, np.ndarray], words: list[np.ndarray], suffix: str) -> list[np.ndarray]:
    from_word, from_state = weights[f"lstm.lstm.weight_ih_{suffix}"], weights[f"lstm.lstm.weight_hh_{suffix}"]
    bias = weights[f"lstm.lstm.bias_ih_{suffix}"] + weights[f"lstm.lstm.bias_hh_{suffix}"]
    state, cell, states = np.zeros(from_state.shape[1]), np.zeros(from_state.shape[1]), []
    for word in words:
        into, forget, fresh, out = np.split(from_word @ word + from_state @ state + bias, 4)
        cell = sigmoid(forget) * cell + sigmoid(into) * np.tanh(fresh)
        state = sigmoid(out) * np.tanh(cell)
        states.append(state)
    return states


def linear(weights: dict[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    return weights[f"{name}.weight"] @ x + weights[f"{name}.bias"]


def encoded(weights: dict[str, np.ndarray], tokens: list[int]) -> list[np.ndarray]:
    states = [weights["words.embedding.weight"][token] for token in tokens]
    backward = lstm(weights, states[::-1], "l0_reverse")[::-1]
    states = [np.concatenate(pair) for pair in zip(lstm(weights, states, "l0"), backward, strict=True)]
    return [linear(weights, "reduction", x) for x in states] if "reduction.weight" in weights else states


def naive(weights: dict[str, np.ndarray], note: list[int], pool_padding: bool = False) -> np.ndarray:
    states, logits = encoded(weights, note), []
    table = weights["synonyms"].astype(int)
    longest = (table != PAD).sum(2).max()
    behind = weights["reduction.bias"] if "reduction.bias" in weights else np.zeros(WIDTH)  # of the LSTM's zeros
    for names in table.tolist():
        vectors, reads = [], []
        for k, name in enumerate(names):
            tokens = [token for token in name if token != PAD]
            own = encoded(weights, tokens)
            if pool_padding and len(tokens) < longest:
                own.append(behind)
            vectors.append(np.max(own, axis=0))
            query = linear(weights, "queries", vectors[-1])
            shares = [math.exp(query @ np.split(np.tanh(linear(weights, "keys", x)), K)[k]) for x in states]
            reads.append(sum(share * x for share, x in zip(shares, states, strict=True)) / sum(shares))
        best = np.max(vectors, axis=0)
        logits.append(np.max(reads, axis=0) @ linear(weights, "weights", best) + linear(weights, "bias", best)[0])
    return np.array(logits)


@pytest.fixture
def names(tmp_path: Path) -> Path:
    path = tmp_path / "names.tsv"
    path.write_text("".join(f"{c}\t{n}\n" for c, known in zip(CODES, NAMES, strict=True) for n in known))
    return path


def build(names: Path, **settings: object) -> tuple[msmn.MSMN, dict[str, np.ndarray]]:
    torch.manual_seed(0)
    given = {"embedding": 5, "hidden": WIDTH, "layers": 1, "attended": WIDTH, "synonyms": K, "synonym_tokens": 4}
    config = msmn.Config(**given | {"synonyms_file": names, "dropout": 0.0} | settings)
    model = msmn.build(config, ModelContext(WORDS, LabelSpace(CODES), encode=encode))
    with torch.no_grad():  # so that attention is far from even
        for layer in (model.keys, model.queries, model.weights):
            layer.weight.mul_(4)
    return model, {name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}


def batch(notes: list[list[int]], width: int, targets: torch.Tensor | None = None) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, tokens != PAD, targets)


NOTES = [[3, 4, 5, 6, 7, 8, 9, 3, 3, 19, 18, 12], [5], [9, 8, 7, 14, 2]]


@pytest.mark.parametrize("notes", [NOTES, NOTES[:1], NOTES[1:2]])
@pytest.mark.parametrize("hidden", [WIDTH, 8])
@pytest.mark.parametrize("pool_padding", [True, False])
def test_logits_are_those_of_the_paper(names: Path, notes: list[list[int]], hidden: int, pool_padding: bool) -> None:
    model, weights = build(names, hidden=hidden, pool_padding=pool_padding)
    logits = model.eval()(batch(notes, 15)).logits.detach()
    for i, note in enumerate(notes):
        np.testing.assert_allclose(logits[i], naive(weights, note, pool_padding), atol=1e-5)


def test_tiles_are_invisible(names: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for tile, words, kept in ((synonym_reading.TILE, msmn.WORDS, msmn.KEPT), (1, 3, 1)):
        monkeypatch.setattr(synonym_reading, "TILE", tile)
        monkeypatch.setattr(msmn, "WORDS", words)
        monkeypatch.setattr(msmn, "KEPT", kept)
        model, _ = build(names)
        model(batch(NOTES, 12)).logits.square().sum().backward()
        found.append([parameter.grad for parameter in model.parameters()])
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two)


def test_synonyms_are_taken_in_turns(names: Path) -> None:
    table = build(names)[0].synonyms.tolist()
    description = [0, 0, 0, 0]  # its words have several letters, which this encoder leaves out
    assert table[1][1:] == [[8, 0, 0, 0], [9, 10, 0, 0]]
    assert table[1][0] == [1, *description[1:]]
    assert table[3] == [[1, 0, 0, 0]] * 3


def test_a_synonym_that_stands_more_than_once_is_read_once(names: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = build(names)
    read: list[list[int]] = []
    pooled = model._pooled
    monkeypatch.setattr(model, "_pooled", lambda tokens: (read.extend(tokens.tolist()), pooled(tokens))[1])
    model(batch(NOTES, 12))
    stripped = [tuple(token for token in text if token != PAD) for text in read]
    standing = [tuple(token for token in text if token != PAD) for text in model.synonyms.flatten(0, 1).tolist()]
    assert sorted(stripped) == sorted(set(standing))
    assert len(stripped) < len(standing)


def test_r_drop_is_that_of_the_paper(names: Path) -> None:
    model, _ = build(names, dropout=0.4, r_drop=2.0)
    targets = torch.tensor([[1.0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 1]])
    given = batch(NOTES, 12, targets)
    torch.manual_seed(4)
    scores = model(given)
    torch.manual_seed(4)
    one, two = (model(batch(NOTES, 12)).logits.detach().double() for _ in range(2))
    assert (one - two).abs().max() > 0.01
    p, q = torch.softmax(one, 1), torch.softmax(two, 1)
    apart = ((p * (p / q).log()).sum() + (q * (q / p).log()).sum()) / 2 / 12
    losses = [binary_cross_entropy(msmn.Scores(logits), given) for logits in (one, two)]
    total = binary_cross_entropy(scores, given) + scores.penalty
    np.testing.assert_allclose(total.item(), (sum(losses) / 2 + 2 * apart).item(), rtol=1e-4)
    assert model.eval()(given).penalty is None
