"""XR-LAT against its equations, written out in numpy one note, one level, one node and one token at a time."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.config import build as configure
from icdcoder.core.errors import ConfigError, InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.knowledge import hierarchy
from icdcoder.models import xr_lat
from icdcoder.nn.contract import PAD, Batch, ModelContext
from icdcoder.nn.losses import binary_cross_entropy

CODES = [Code("icd9cm", value) for value in ("250.00", "250.02", "401.1", "401.9", "428.0", "486")]
LEVELS = hierarchy.chain(CODES)
WORDS, HIDDEN = 25, 3


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(weights: dict[str, np.ndarray], words: list[np.ndarray], suffix: str) -> list[np.ndarray]:
    own = {k: weights[f"encoder.lstm.lstm.{k}_{suffix}"] for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    state, cell, states = np.zeros(HIDDEN), np.zeros(HIDDEN), []
    for word in words:
        gates = own["weight_ih"] @ word + own["weight_hh"] @ state + own["bias_ih"] + own["bias_hh"]
        into, forget, fresh, out = np.split(gates, 4)
        cell = sigmoid(forget) * cell + sigmoid(into) * np.tanh(fresh)
        state = sigmoid(out) * np.tanh(cell)
        states.append(state)
    return states


def naive(
    weights: dict[str, np.ndarray],
    note: list[int],
    gold: list[int] | None = None,
    sampling: bool = True,
    begun: int = 4,
) -> list[dict[int, float]]:
    """Of each level begun, {node: logit} of those that are scored. gold: codes, in training."""
    words = [weights["encoder.words.embedding.weight"][token] for token in note]
    backward = lstm(weights, words[::-1], "l0_reverse")[::-1]
    states = [np.concatenate(pair) for pair in zip(lstm(weights, words, "l0"), backward, strict=True)]
    found: list[dict[int, float]] = []
    for number in range(begun):
        level = f"levels.{number}"
        parents = weights[f"{level}.parents"].astype(int)
        nodes = set(range(len(parents)))
        if sampling and number:
            nodes = {node for node in nodes if found[-1].get(parents[node], -9.0) > 0}
            nodes |= {int(hierarchy.ancestor_of_codes(LEVELS, LEVELS[number].kind)[code]) for code in gold or ()}
        scored = {}
        for node in nodes:
            query = weights[f"{level}.label_attention.queries"][node]
            if "lift.weight" in weights:
                query = query + weights["lift.weight"] @ weights[f"{level}.points"][node]
            shares = [math.exp(query @ np.tanh(weights[f"{level}.keys.weight"] @ state)) for state in states]
            read = sum(s * state for s, state in zip(shares, states, strict=True)) / sum(shares)
            own = weights[f"{level}.label_attention.weights"][node] @ read
            scored[node] = float(own + weights[f"{level}.label_attention.bias"][node])
        found.append(scored)
    return found


def build(loud: float = 60, **settings: Any) -> tuple[xr_lat.XRLAT, dict[str, np.ndarray]]:
    torch.manual_seed(0)
    given = {"encoder": "lstm", "embedding": 7, "hidden": HIDDEN, "attended": 5, "dropout": 0.0}
    config = xr_lat.Config(**given | {"batches_per_level": 0, "poincare_width": 4, "poincare_epochs": 3} | settings)
    context = ModelContext(WORDS, LabelSpace(CODES), encode=lambda text: np.zeros(0, dtype=np.int32))
    model = xr_lat.build(config, context)
    with torch.no_grad():  # so that attention is far from even, and logits are of both signs
        for name, parameter in model.named_parameters():
            if name.startswith(("levels", "lift")) and parameter.ndim == 2:
                parameter.mul_(loud)
    return model, arrays(model)


def arrays(model: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}


def batch(notes: list[list[int]], width: int, targets: torch.Tensor | None = None) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, tokens != PAD, targets)


def row(scored: dict[int, float], size: int) -> list[float]:
    return [scored.get(node, -9.0) for node in range(size)]


NOTES = [[3, 4, 5, 6, 7, 8, 9, 3, 3, 20, 21, 22], [5], [9, 8, 7, 24, 2], [11, 12], [15, 16, 17]]
GOLD = [[0, 3], [], [5], [1, 2, 4], [4]]


@pytest.mark.parametrize("chosen", [[0, 1, 2, 3, 4], [0], [1]])
@pytest.mark.parametrize("sampling", [True, False])
@pytest.mark.parametrize("curved", [True, False])
def test_logits_are_those_of_the_paper(chosen: list[int], sampling: bool, curved: bool) -> None:
    model, weights = build(sampling=sampling, hyperbolic=curved)
    logits = model.eval()(batch([NOTES[i] for i in chosen], 15)).logits.detach()
    for place, i in enumerate(chosen):
        expected = row(naive(weights, NOTES[i], sampling=sampling)[-1], 6)
        np.testing.assert_allclose(logits[place], expected, atol=1e-5)


def test_some_labels_are_sampled_and_some_are_not() -> None:
    logits = build()[0].eval()(batch(NOTES, 15)).logits
    assert (logits == -9).any()
    assert (logits != -9).any()


def test_the_loss_is_that_of_the_labels_scored_on_all_levels() -> None:
    model, weights = build()
    targets = torch.zeros(5, 6)
    for one, codes in zip(targets, GOLD, strict=True):
        one[codes] = 1.0
    given = batch(NOTES, 13, targets)
    scores = model(given)
    losses: list[list[float]] = [[], [], [], []]
    for note, codes in zip(NOTES, GOLD, strict=True):
        for number, scored in enumerate(naive(weights, note, codes)):
            nodes = hierarchy.ancestor_of_codes(LEVELS, LEVELS[number].kind)
            gold = {int(nodes[code]) for code in codes}
            losses[number] += [math.log1p(math.exp(-z if node in gold else z)) for node, z in scored.items()]
    expected = sum(np.mean(level) for level in losses)
    np.testing.assert_allclose((binary_cross_entropy(scores, given) + scores.penalty).item(), expected, rtol=1e-4)
    assert model.eval()(given).penalty is None


def test_a_level_begins_with_the_vectors_of_the_one_above_it() -> None:
    model, _ = build(batches_per_level=2, sampling=False)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    targets = torch.ones(5, 6)
    for number in range(1, 9):
        scores = model(batch(NOTES, 12, targets))
        assert model.begun == min(4, (number + 1) // 2)
        if number % 2 and number > 1:  # just begun: each node is as the one above it
            level = model.begun - 1
            own, above = arrays(model), model.level(level).parents.numpy()
            for name in ("queries", "weights", "bias"):
                ours, theirs = (own[f"levels.{n}.label_attention.{name}"] for n in (level, level - 1))
                np.testing.assert_array_equal(ours, theirs[above])
        optimiser.zero_grad()
        (binary_cross_entropy(scores, batch(NOTES, 12, targets)) + scores.penalty).backward()
        optimiser.step()
    assert model.begun == 4
    assert int(model.batches) == 8
    assert not np.array_equal(*(arrays(model)[f"levels.{n}.keys.weight"] for n in (2, 3)))


@pytest.mark.parametrize("begun", [1, 2, 3])
def test_until_codes_begin_they_have_the_logit_of_the_node_above(begun: int) -> None:
    model, weights = build(batches_per_level=10, sampling=False)
    model.batches.fill_(1 + 10 * (begun - 1))
    scores = model.eval()(batch(NOTES, 12), attention_codes=torch.arange(6))
    nodes = hierarchy.ancestor_of_codes(LEVELS, LEVELS[begun - 1].kind)
    for place, note in enumerate(NOTES):
        level = naive(weights, note, sampling=False, begun=begun)[-1]
        np.testing.assert_allclose(scores.logits[place].detach(), [level[int(node)] for node in nodes], atol=1e-5)
    torch.testing.assert_close(scores.attention.sum(2), torch.ones(5, 6))


def test_a_saved_model_knows_how_far_it_came() -> None:
    model, _ = build(batches_per_level=10, hyperbolic=True)
    model.batches.fill_(25)
    config = xr_lat.Config(
        encoder="lstm", embedding=7, hidden=HIDDEN, attended=5, batches_per_level=10, hyperbolic=True, poincare_width=4
    )
    loaded = xr_lat.build(config, ModelContext(WORDS, LabelSpace(CODES)))
    loaded.load_state_dict(model.state_dict())
    assert loaded.begun == 3
    given = batch(NOTES, 12)
    assert torch.equal(loaded.eval()(given).logits, model.eval()(given).logits)


def test_a_pretrained_model_may_read_the_notes() -> None:
    pytest.importorskip("transformers")
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = {"model_type": "bert", "vocab_size": 40, "max_position_embeddings": 16, **sizes}
    model, _ = build(encoder="pretrained", architecture={"config": config, "prefix": [30], "suffix": [31]}, chunk=8)
    given = batch(NOTES, 12, torch.ones(5, 6))
    scores = model(given, attention_codes=torch.arange(6))
    torch.testing.assert_close(scores.attention.sum(2), torch.ones(5, 6))
    (binary_cross_entropy(scores, given) + scores.penalty).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.levels.parameters() if p.grad is not None)


BERT = {"model_type": "bert", "vocab_size": 40, "max_position_embeddings": 16, "hidden_size": 8}
BERT |= {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "initializer_range": 0.5}


@pytest.mark.parametrize("curved", [True, False])
def test_ten_chunks_and_all_their_padding_are_attended_on_demand(curved: bool) -> None:
    pytest.importorskip("transformers")
    pretrained = {"encoder": "pretrained", "architecture": {"config": BERT, "prefix": [30], "suffix": [31]}, "chunk": 8}
    model, weights = build(**pretrained, attend_padding=True, sampling=False, hyperbolic=curved)
    scores = model.eval()(batch(NOTES, 12), attention_codes=torch.arange(6))
    level = "levels.3."
    for row, note in enumerate(NOTES):
        states = []
        for start in range(0, 10 * 6, 6):
            ids = [30, *note[start : start + 6], 31]
            chunk = torch.tensor([ids + [0] * (8 - len(ids))])
            seen = (torch.arange(8) < len(ids)).long()[None]
            with torch.inference_mode():
                found = model.encoder.model(input_ids=chunk, attention_mask=seen).last_hidden_state[0]
            states += list(found.double().numpy())
        for node in range(6):
            query = weights[f"{level}label_attention.queries"][node]
            query = query + weights["lift.weight"] @ weights[f"{level}points"][node] if curved else query
            shares = np.exp([query @ np.tanh(weights[f"{level}keys.weight"] @ state) for state in states])
            shares /= shares.sum()
            logit = weights[f"{level}label_attention.weights"][node] @ (shares @ np.stack(states))
            logit += weights[f"{level}label_attention.bias"][node]
            np.testing.assert_allclose(scores.logits[row, node].detach(), logit, atol=1e-5)
            places = [chunk * 8 + 1 + at for chunk in range(10) for at in range(6)][: len(note)]
            np.testing.assert_allclose(scores.attention[row, node, : len(note)].detach(), shares[places], atol=1e-5)


def test_words_have_no_chunks_to_fill() -> None:
    with pytest.raises(ConfigError, match="attend_padding"):
        configure(xr_lat.Config, {"encoder": "lstm", "attend_padding": True}, "model")


def test_a_pretrained_model_of_half_the_size_scores_too() -> None:
    pytest.importorskip("transformers")
    pretrained = {"architecture": {"config": BERT, "prefix": [30], "suffix": [31]}, "chunk": 8}
    model, _ = build(encoder="pretrained", **pretrained)
    assert model.eval().to(torch.bfloat16)(batch(NOTES, 12)).logits.isfinite().all()


def test_points_may_come_from_a_file(tmp_path: Path) -> None:
    every = [name for level in LEVELS for name in level.names]
    names = list(dict.fromkeys(every))  # a category that is a code stands on two levels
    path = tmp_path / "points.tsv"
    path.write_text("".join(f"{name}\t{number / 100} 0.2\n" for number, name in enumerate(names)))
    model, _ = build(hyperbolic=True, points=path, poincare_width=2)
    found = torch.cat([value for name, value in model.state_dict().items() if name.endswith("points")])
    torch.testing.assert_close(found[:, 0], torch.tensor([names.index(name) / 100 for name in every]))
    with pytest.raises(InputError, match="set model.poincare_width = 2"):
        build(hyperbolic=True, points=path)
    path.write_text(f"{names[0]}\t0.1 0.2\n")
    with pytest.raises(InputError, match=f"lacks {len(names) - 1} of the {len(names)} nodes"):
        build(hyperbolic=True, points=path, poincare_width=2)
