"""TransICD against its equations, written out in numpy one note, one head, one token and one code at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import transicd
from icdcoder.nn.contract import PAD, Batch, ModelContext
from icdcoder.nn.losses import binary_cross_entropy

WORDS, CODES, WIDTH, HEADS = 25, 6, 8, 2


def softmax(scores: list[float]) -> np.ndarray:
    found = np.exp(np.array(scores) - max(scores))
    return found / found.sum()


def normalised(weights: dict[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    centred = (x - x.mean()) / math.sqrt(x.var() + 1e-5)
    return centred * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def layer(weights: dict[str, np.ndarray], name: str, states: list[np.ndarray]) -> list[np.ndarray]:
    stacked = [
        weights[f"{name}.self_attn.in_proj_weight"] @ x + weights[f"{name}.self_attn.in_proj_bias"] for x in states
    ]
    queries, keys, values = ([np.split(x, 3)[part] for x in stacked] for part in range(3))
    size, found = WIDTH // HEADS, []
    for t, state in enumerate(states):
        read = []
        for head in range(HEADS):
            own = slice(head * size, (head + 1) * size)
            shares = softmax([queries[t][own] @ key[own] / math.sqrt(size) for key in keys])
            read.append(sum(share * value[own] for share, value in zip(shares, values, strict=True)))
        mixed = weights[f"{name}.self_attn.out_proj.weight"] @ np.concatenate(read)
        state = normalised(weights, f"{name}.norm1", state + mixed + weights[f"{name}.self_attn.out_proj.bias"])
        inner = np.maximum(0, weights[f"{name}.linear1.weight"] @ state + weights[f"{name}.linear1.bias"])
        outer = weights[f"{name}.linear2.weight"] @ inner + weights[f"{name}.linear2.bias"]
        found.append(normalised(weights, f"{name}.norm2", state + outer))
    return found


def sinusoid(position: int) -> np.ndarray:
    found = np.zeros(WIDTH)
    for i in range(0, WIDTH, 2):
        found[i] = math.sin(position / 10_000 ** (i / WIDTH))
        found[i + 1] = math.cos(position / 10_000 ** (i / WIDTH))
    return found


def naive(weights: dict[str, np.ndarray], note: list[int], row: int | None = None, share: float = 1) -> np.ndarray:
    """row: the note's place in the batch, for the authors' positions. share: what a dropout leaves of each number."""
    states = [
        share * (math.sqrt(WIDTH) * weights["words.embedding.weight"][token] + sinusoid(t if row is None else row))
        for t, token in enumerate(note)
    ]
    for number in range(2):
        states = layer(weights, f"transformer.layers.{number}", states)
    keys = [np.tanh(weights["projection.weight"] @ x + weights["projection.bias"]) for x in states]
    logits = []
    matrices = (weights[f"label_attention.{name}"] for name in ("queries", "weights", "bias"))
    for query, weight, bias in zip(*matrices, strict=True):
        shares = softmax([query @ key for key in keys])
        logits.append(weight @ sum(s * state for s, state in zip(shares, states, strict=True)) + bias)
    return np.array(logits)


def build(code_notes: list[int] | None = None, **settings: object) -> tuple[transicd.TransICD, dict[str, np.ndarray]]:
    torch.manual_seed(0)
    space = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))
    config = transicd.Config(embedding=WIDTH, heads=HEADS, dropout=0.0, **settings)
    model = transicd.build(config, ModelContext(WORDS, space, code_notes=code_notes))
    with torch.no_grad():  # so that attention is far from even
        model.label_attention.queries.mul_(5)
    return model, {name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}


def batch(notes: list[list[int]], width: int, targets: torch.Tensor | None = None) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, tokens != PAD, targets)


NOTES = [[3, 4, 5, 6, 7, 8, 9, 3, 3, 20, 21, 22], [5], [9, 8, 7, 24, 2]]


@pytest.mark.parametrize("notes", [NOTES, NOTES[:1], NOTES[1:2]])
@pytest.mark.parametrize("training", [True, False])
def test_logits_are_those_of_the_paper(notes: list[list[int]], training: bool) -> None:
    model, weights = build()
    logits = model.train(training)(batch(notes, 15)).logits.detach()
    for i, note in enumerate(notes):
        np.testing.assert_allclose(logits[i], naive(weights, note), atol=1e-5)


def test_positions_of_the_note_are_those_of_the_authors_code() -> None:
    model, weights = build(position_of_note=True)
    logits = model.eval()(batch(NOTES, 15)).logits.detach()
    for i, note in enumerate(NOTES):
        np.testing.assert_allclose(logits[i], naive(weights, note, i), atol=1e-5)
    twice = model(batch([NOTES[0]] * 16, 15)).logits.detach()
    np.testing.assert_allclose(twice[8:], twice[:8], atol=1e-6)
    assert (twice[0] - twice[1]).abs().max() > 1e-4


class Halved(torch.nn.Module):
    """In the place of a dropout, what it does to all numbers that it lets stay, the other way round."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states / 2


@pytest.mark.parametrize(("twice", "share"), [(False, 0.5), (True, 0.25)])
def test_dropout_stands_behind_the_sum_once_or_on_demand_twice(twice: bool, share: float) -> None:
    model, weights = build(dropout_twice=twice)
    model.dropout = Halved()
    logits = model(batch(NOTES, 15)).logits.detach()
    for i, note in enumerate(NOTES):
        np.testing.assert_allclose(logits[i], naive(weights, note, share=share), atol=1e-5)


def test_the_loss_has_the_margins_of_the_paper() -> None:
    frequency = [0, 1, 16, 81, 5, 10_000]
    model, weights = build(frequency)
    targets = torch.tensor([[1, 1, 1, 1, 0, 1], [0] * 6, [0, 0, 1, 0, 1, 0]], dtype=torch.float32)
    given = batch(NOTES, 13, targets)
    scores, losses = model(given), []
    for note, gold in zip(NOTES, targets.tolist(), strict=True):
        for z, y, n in zip(naive(weights, note), gold, frequency, strict=True):
            moved = z - y * 3 / max(n, 1) ** 0.25
            losses.append(math.log1p(math.exp(-moved)) if y else math.log1p(math.exp(moved)))
    total = binary_cross_entropy(scores, given) + scores.penalty
    np.testing.assert_allclose(total.item(), np.mean(losses), rtol=1e-5)
    assert scores.penalty > 0.1
    assert model.eval()(given).penalty is None
