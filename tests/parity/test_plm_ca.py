"""PLM-CA's attention against its equations, one note and one code at a time, on the states of its encoder."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import plm_ca
from icdcoder.nn.contract import PAD, Batch, ModelContext
from icdcoder.text.readers.subwords import Subwords

CODES, CHUNK = 6, 8
SPACE = LabelSpace(Code("icd10cm", f"A{10 + i}") for i in range(CODES))
NOTES = [[13, 4, 5, 6, 7, 8, 9, 13, 13, 20, 21, 22], [5], [9, 8, 7, 24, 12, 6]]


def build(checkpoint: Path, **settings: object) -> plm_ca.PLMCA:
    torch.manual_seed(0)
    config = plm_ca.Config(checkpoint=checkpoint, chunk=CHUNK, **settings)
    model = plm_ca.build(config, ModelContext(Subwords.load(checkpoint).size, SPACE)).eval()
    with torch.no_grad():  # so that attention is far from even, and the normalisation has a part
        for matrix in (model.keys.weight, model.values.weight, model.queries, model.output.weight):
            matrix.mul_(20)
        torch.nn.init.normal_(model.norm.weight)
        torch.nn.init.normal_(model.norm.bias)
        torch.nn.init.normal_(model.values.bias)
    return model


def batch(notes: list[list[int]], width: int) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, torch.arange(width) < torch.tensor([len(note) for note in notes])[:, None])


def filled_states_of(model: plm_ca.PLMCA, note: list[int], longest: int) -> np.ndarray:
    """<s> note </s> with padding up to the multiple of 128 (here 8) that is greater than the longest of the batch."""
    ids = [0, *note, 2]
    ids += [1] * (longest + 2 - len(ids))
    ids += [1] * (CHUNK - len(ids) % CHUNK)
    found = []
    for start in range(0, len(ids), CHUNK):
        chunk = torch.tensor([ids[start : start + CHUNK]])
        # What padding alone sees is of no account: all its states are the same.
        seen = (chunk != 1).long() if (chunk != 1).any() else torch.ones_like(chunk)
        with torch.inference_mode():
            found += model.encoder.model(input_ids=chunk, attention_mask=seen).last_hidden_state[0]
    return np.stack([state.numpy() for state in found]).astype(np.float64)


def naive(
    model: plm_ca.PLMCA, note: list[int], scale: float, states: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    weights = {name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}
    alone = batch([note], len(note))
    if states is None:
        with torch.inference_mode():
            states = model.encoder(alone.tokens, alone.mask)[0].numpy().astype(np.float64)
    logits, rows = [], []
    for query in weights["queries"]:
        exponentials = [math.exp(query @ (weights["keys.weight"] @ state) / scale) for state in states]
        row = [e / sum(exponentials) for e in exponentials]
        read = np.zeros(len(query))
        for share, state in zip(row, states, strict=True):
            read += share * (weights["values.weight"] @ state + weights["values.bias"])
        normal = (read - read.mean()) / math.sqrt(read.var() + 1e-5)
        normal = normal * weights["norm.weight"] + weights["norm.bias"]
        logits.append(weights["output.weight"][0] @ normal + weights["output.bias"][0])
        rows.append(row)
    return np.array(logits), np.array(rows)


@pytest.mark.parametrize("scale", [1.0, 2.5])
@pytest.mark.parametrize("notes", [NOTES, NOTES[:1], NOTES[1:2]])
def test_logits_and_attention_are_those_of_the_paper(
    checkpoints: dict[str, Path], notes: list[list[int]], scale: float
) -> None:
    model = build(checkpoints["roberta"], scale=scale)
    scores = model(batch(notes, 15), attention_codes=torch.arange(CODES))
    for i, note in enumerate(notes):
        logits, attention = naive(model, note, scale)
        np.testing.assert_allclose(scores.logits[i].detach(), logits, atol=1e-5)
        np.testing.assert_allclose(scores.attention[i, :, : len(note)].detach(), attention, atol=1e-5)


@pytest.mark.parametrize("notes", [NOTES, NOTES[1:2], [[5, 6, 7, 8, 9, 13]], [[4] * 14, [5]]])
def test_special_tokens_and_padding_are_attended_on_demand(
    checkpoints: dict[str, Path], notes: list[list[int]]
) -> None:
    model = build(checkpoints["roberta"], attend_padding=True)
    scores = model(batch(notes, 15), attention_codes=torch.arange(CODES))
    for i, note in enumerate(notes):
        states = filled_states_of(model, note, max(map(len, notes)))
        logits, attention = naive(model, note, 1.0, states)
        np.testing.assert_allclose(scores.logits[i].detach(), logits, atol=1e-5)
        np.testing.assert_allclose(
            scores.attention[i, :, : len(note)].detach(), attention[:, 1 : len(note) + 1], atol=1e-5
        )
    assert (scores.logits - build(checkpoints["roberta"])(batch(notes, 15)).logits).abs().max() > 1e-3


def test_codes_share_all_but_their_queries(checkpoints: dict[str, Path]) -> None:
    model = build(checkpoints["roberta"])
    rows = [name for name, value in model.named_parameters() if len(value) == CODES]
    assert rows == ["queries"]
