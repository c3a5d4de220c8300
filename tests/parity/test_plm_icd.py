"""PLM-ICD against its equations, one note, one chunk and one code at a time; the encoder is asked chunk by chunk."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.config import build as configure
from icdcoder.core.errors import ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import plm_icd
from icdcoder.nn.contract import PAD, Batch, ModelContext
from icdcoder.text.readers.subwords import Subwords

CODES, CHUNK = 6, 8
SPACE = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))
NOTES = [[13, 4, 5, 6, 7, 8, 9, 13, 13, 20, 21, 22, 40, 41, 42, 43, 5, 5, 6], [5], [9, 8, 7, 24, 12, 6]]


def build(checkpoint: Path, **settings: object) -> plm_icd.PLMICD:
    torch.manual_seed(0)
    config = plm_icd.Config(checkpoint=checkpoint, chunk=CHUNK, **settings)
    model = plm_icd.build(config, ModelContext(Subwords.load(checkpoint).size, SPACE)).eval()
    with torch.no_grad():  # so that attention is far from even, and logits are not small
        for matrix in (model.projection.weight, model.label_attention.queries, model.label_attention.weights):
            matrix.mul_(60)
    return model


def batch(notes: list[list[int]], width: int) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, torch.arange(width) < torch.tensor([len(note) for note in notes])[:, None])


def states_of(model: plm_icd.PLMICD, note: list[int]) -> np.ndarray:
    """<s> note </s>, cut into chunks of 128 (here 8) that each begin at position 0; then without the two."""
    ids = [0, *note, 2]
    found = []
    for start in range(0, len(ids), CHUNK):
        with torch.inference_mode():
            found += model.encoder.model(input_ids=torch.tensor([ids[start : start + CHUNK]])).last_hidden_state[0]
    return np.stack([state.numpy() for state in found])[1:-1].astype(np.float64)


def filled_states_of(model: plm_icd.PLMICD, note: list[int], shown: int = 0) -> np.ndarray:
    """<s> note </s>, filled up with padding to a multiple of 128 (here 8): the states of all of it. shown: the length
    of the longest note of the batch, where all are filled up to it and the model is told of no padding."""
    ids = [0, *note, 2]
    ids += [1] * (shown + 2 - len(ids) if shown else 0)
    ids += [1] * (-len(ids) % CHUNK)
    found = []
    for start in range(0, len(ids), CHUNK):
        chunk = torch.tensor([ids[start : start + CHUNK]])
        mask = torch.ones_like(chunk) if shown else (chunk != 1).long()
        with torch.inference_mode():
            found += model.encoder.model(input_ids=chunk, attention_mask=mask).last_hidden_state[0]
    return np.stack([state.numpy() for state in found]).astype(np.float64)


def naive(
    model: plm_icd.PLMICD, note: list[int], states_of: Callable[..., np.ndarray] = states_of
) -> tuple[np.ndarray, np.ndarray]:
    weights = {name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}
    states = states_of(model, note)
    logits, rows = [], []
    matrices = (weights[f"label_attention.{name}"] for name in ("queries", "weights", "bias"))
    for query, weight, bias in zip(*matrices, strict=True):
        exponentials = [math.exp(query @ np.tanh(weights["projection.weight"] @ state)) for state in states]
        row = [e / sum(exponentials) for e in exponentials]
        logits.append(weight @ sum(share * state for share, state in zip(row, states, strict=True)) + bias)
        rows.append(row)
    return np.array(logits), np.array(rows)


@pytest.mark.parametrize("notes", [NOTES, NOTES[:1], NOTES[1:2]])
def test_logits_and_attention_are_those_of_the_paper(checkpoints: dict[str, Path], notes: list[list[int]]) -> None:
    model = build(checkpoints["roberta"])
    scores = model(batch(notes, 23), attention_codes=torch.arange(CODES))
    for i, note in enumerate(notes):
        logits, attention = naive(model, note)
        np.testing.assert_allclose(scores.logits[i].detach(), logits, atol=1e-5)
        np.testing.assert_allclose(scores.attention[i, :, : len(note)].detach(), attention, atol=1e-5)


@pytest.mark.parametrize("notes", [NOTES, NOTES[1:2], [[5, 6, 7, 8, 9, 13], [4] * 14, [4] * 13]])
def test_special_tokens_and_padding_are_attended_on_demand(
    checkpoints: dict[str, Path], notes: list[list[int]]
) -> None:
    model = build(checkpoints["roberta"], attend_padding=True)
    scores = model(batch(notes, 23), attention_codes=torch.arange(CODES))
    for i, note in enumerate(notes):
        logits, attention = naive(model, note, filled_states_of)
        np.testing.assert_allclose(scores.logits[i].detach(), logits, atol=1e-5)
        np.testing.assert_allclose(
            scores.attention[i, :, : len(note)].detach(), attention[:, 1 : len(note) + 1], atol=1e-5
        )
        assert not scores.attention[i, :, len(note) :].any()
    assert (scores.logits - build(checkpoints["roberta"])(batch(notes, 23)).logits).abs().max() > 1e-3


@pytest.mark.parametrize("notes", [NOTES, NOTES[1:2], [[5, 6, 7, 8, 9, 13], [4] * 14, [4] * 13]])
def test_padding_is_shown_as_the_port_shows_it(checkpoints: dict[str, Path], notes: list[list[int]]) -> None:
    model = build(checkpoints["roberta"], attend_padding=True, show_padding=True)
    scores = model(batch(notes, 23), attention_codes=torch.arange(CODES))
    longest = max(map(len, notes))
    for i, note in enumerate(notes):
        logits, attention = naive(model, note, partial(filled_states_of, shown=longest))
        np.testing.assert_allclose(scores.logits[i].detach(), logits, atol=1e-5)
        np.testing.assert_allclose(
            scores.attention[i, :, : len(note)].detach(), attention[:, 1 : len(note) + 1], atol=1e-5
        )
    told = build(checkpoints["roberta"], attend_padding=True)(batch(notes, 23))
    assert (scores.logits - told.logits).abs().max() > 1e-3


def test_padding_that_nothing_attends_to_is_not_shown() -> None:
    with pytest.raises(ConfigError, match="set 'attend_padding' too"):
        configure(plm_icd.Config, {"show_padding": True}, "model")


def test_matrices_start_as_the_authors_start_them(checkpoints: dict[str, Path]) -> None:
    space = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(800))
    config = plm_icd.Config(checkpoint=checkpoints["roberta"], chunk=CHUNK, attended=64)
    model = plm_icd.build(config, ModelContext(Subwords.load(checkpoints["roberta"]).size, space))
    for matrix in (model.label_attention.queries, model.label_attention.weights):
        assert abs(matrix.std() - 0.02) < 0.001
    assert not model.label_attention.bias.any()


def test_the_defaults_are_the_papers(checkpoints: dict[str, Path]) -> None:
    config = plm_icd.Config(checkpoint=checkpoints["roberta"])
    assert (config.chunk, config.overlap, config.special_tokens, config.attended) == (128, 0, "note", None)
