"""HiLAT against its equations, one note, one chunk and one code at a time."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import hilat
from icdcoder.nn.contract import PAD, Batch, ModelContext, channels_of
from icdcoder.text.readers.subwords import Subwords

CODES, CHUNK = 6, 8
SPACE = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))
NOTES = [[13, 4, 5, 6, 7, 8, 9, 13, 13, 20, 21, 22, 40, 41, 42, 43, 5, 5, 6], [5], [9, 8, 7, 24, 12, 6]]


def build(checkpoint: Path, **settings: object) -> hilat.HiLAT:
    torch.manual_seed(0)
    config = hilat.Config(checkpoint=checkpoint, chunk=CHUNK, **settings)
    model = hilat.build(config, ModelContext(Subwords.load(checkpoint).size, SPACE)).eval()
    with torch.no_grad():  # so that both attentions are far from even
        for name, value in model.named_parameters():
            if not name.startswith("encoder.") and name != "bias":
                value.mul_(20)
    return model


def batch(notes: list[list[int]], width: int) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, torch.arange(width) < torch.tensor([len(note) for note in notes])[:, None])


def softmax(scores: list[float]) -> list[float]:
    exponentials = [math.exp(score) for score in scores]
    return [e / sum(exponentials) for e in exponentials]


def filled_chunks(model: hilat.HiLAT, note: list[int]) -> list[np.ndarray]:
    """Ten chunks, each of special tokens around what there is of the note and filled up with padding."""
    found = []
    for start in range(0, 10 * (CHUNK - 2), CHUNK - 2):
        ids = [0, *note[start : start + CHUNK - 2], 2]
        chunk = torch.tensor([ids + [1] * (CHUNK - len(ids))])
        with torch.inference_mode():
            states = model.encoder.model(input_ids=chunk, attention_mask=(chunk != 1).long()).last_hidden_state[0]
        found.append(states.numpy().astype(np.float64))
    return found


def chunks_of(model: hilat.HiLAT, note: list[int]) -> list[np.ndarray]:
    chunks = []
    for start in range(0, len(note), CHUNK - 2):
        ids = torch.tensor([[0, *note[start : start + CHUNK - 2], 2]])
        with torch.inference_mode():
            states = model.encoder.model(input_ids=ids).last_hidden_state[0, 1:-1]
        chunks.append(states.numpy().astype(np.float64))
    return chunks


def naive(model: hilat.HiLAT, chunks: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    weights = {name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}
    logits, rows = [], []
    for code in range(CODES):
        query = weights["token_queries"][code]
        within = [softmax([query @ np.tanh(weights["token_keys.weight"] @ t) for t in chunk]) for chunk in chunks]
        read = [sum(a * t for a, t in zip(row, chunk, strict=True)) for row, chunk in zip(within, chunks, strict=True)]
        among = softmax([weights["chunk_query"] @ np.tanh(weights["chunk_keys.weight"] @ c) for c in read])
        whole = sum(share * c for share, c in zip(among, read, strict=True))
        logits.append(weights["weights"][code] @ whole + weights["bias"][code])
        rows.append([share * a for share, row in zip(among, within, strict=True) for a in row])
    return np.array(logits), np.array(rows)


@pytest.mark.parametrize("notes", [NOTES, NOTES[:1], NOTES[1:2]])
def test_logits_and_attention_are_those_of_the_paper(checkpoints: dict[str, Path], notes: list[list[int]]) -> None:
    model = build(checkpoints["roberta"])
    scores = model(batch(notes, 23), attention_codes=torch.arange(CODES))
    for i, note in enumerate(notes):
        logits, attention = naive(model, chunks_of(model, note))
        np.testing.assert_allclose(scores.logits[i].detach(), logits, atol=1e-5)
        np.testing.assert_allclose(scores.attention[i, :, : len(note)].detach(), attention, atol=1e-5)


@pytest.mark.parametrize("notes", [NOTES, NOTES[1:2], [[5, 6, 7, 8, 9, 13], []]])
def test_ten_chunks_and_all_their_padding_are_attended_on_demand(
    checkpoints: dict[str, Path], notes: list[list[int]]
) -> None:
    model = build(checkpoints["roberta"], attend_padding=True)
    scores = model(batch(notes, 23), attention_codes=torch.arange(CODES))
    for i, note in enumerate(notes):
        logits, attention = naive(model, filled_chunks(model, note))
        np.testing.assert_allclose(scores.logits[i].detach(), logits, atol=1e-5)
        places = [chunk * CHUNK + 1 + at for chunk in range(10) for at in range(CHUNK - 2)][: len(note)]
        np.testing.assert_allclose(scores.attention[i, :, : len(note)].detach(), attention[:, places], atol=1e-5)
    assert (scores.logits - build(checkpoints["roberta"])(batch(notes, 23)).logits).abs().max() > 1e-3


@pytest.mark.parametrize("padded", [False, True])
def test_chunks_are_groups_of_sections_on_demand(checkpoints: dict[str, Path], padded: bool) -> None:
    model = build(checkpoints["roberta"], chunk_by="sections", attend_padding=padded)
    groups = [[1] * 3 + [4] * 9 + [1] * 5 + [10, 0], [7], [2, 2, 3, 3, 3, 2]]
    plain = batch(NOTES, 23)
    group = torch.tensor([row + [0] * (23 - len(row)) for row in groups])
    scores = model(replace(plain, channels={"section_groups": group}), attention_codes=torch.arange(CODES))
    for i, note in enumerate(NOTES):
        parts = [[at for at, g in enumerate(groups[i]) if g == number][: CHUNK - 2] for number in range(1, 11)]
        if padded:
            chunks = [filled_chunks(model, [note[at] for at in part])[0] for part in parts]
            places = [chunk * CHUNK + 1 + n for chunk, part in enumerate(parts) for n in range(len(part))]
        else:
            chunks = [chunks_of(model, [note[at] for at in part])[0] for part in parts if part]
            places = list(range(sum(map(len, parts))))
        logits, attention = naive(model, chunks)
        np.testing.assert_allclose(scores.logits[i].detach(), logits, atol=1e-5)
        read = [at for part in parts for at in part]
        np.testing.assert_allclose(scores.attention[i][:, read].detach(), attention[:, places], atol=1e-5)
        unread = [at for at in range(23) if at not in read]
        assert not scores.attention[i][:, unread].any()


def test_without_sections_there_is_no_channel_to_read(checkpoints: dict[str, Path]) -> None:
    assert channels_of(build(checkpoints["roberta"])) == ()
    assert channels_of(build(checkpoints["roberta"], chunk_by="sections")) == ("section_groups",)
    model = build(checkpoints["roberta"], chunk_by="sections")
    assert torch.equal(model(batch(NOTES, 23)).logits, model.bias.expand(3, -1))


def test_matrices_start_normal_with_the_authors_spread(checkpoints: dict[str, Path]) -> None:
    space = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(800))
    config = hilat.Config(checkpoint=checkpoints["roberta"], chunk=CHUNK)
    model = hilat.build(config, ModelContext(Subwords.load(checkpoints["roberta"]).size, space))
    for matrix in (model.token_queries, model.weights):
        assert abs(matrix.std() - 0.03) < 0.001
