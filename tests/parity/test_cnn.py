"""CNN against its equations, written out in numpy one note and one window at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import cnn
from icdcoder.nn.contract import PAD, Batch, ModelContext

WORDS, CODES = 25, 6


def naive(weights: dict[str, np.ndarray], note: list[int]) -> np.ndarray:
    filters = weights["convolution.weight"].astype(np.float64)  # filter width k
    kernel = filters.shape[2]
    words = [weights["words.embedding.weight"][token] for token in note]
    words += [np.zeros(filters.shape[1])] * (kernel - len(words))
    strongest = np.full(len(filters), -np.inf)
    for n in range(len(words) - kernel + 1):
        state = weights["convolution.bias"] + sum(filters[:, :, j] @ words[n + j] for j in range(kernel))
        strongest = np.maximum(strongest, np.tanh(state))
    return weights["output.weight"] @ strongest + weights["output.bias"]


def build(**settings: object) -> tuple[cnn.CNN, dict[str, np.ndarray]]:
    torch.manual_seed(0)
    space = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))
    model = cnn.build(cnn.Config(embedding=7, filters=5, **settings), ModelContext(WORDS, space)).eval()
    return model, {name: value.numpy().copy() for name, value in model.state_dict().items()}


def batch(notes: list[list[int]], width: int) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, tokens != PAD)


NOTES = [[3, 4, 5, 6, 7, 8, 9, 3, 3, 20, 21, 22], [5], [9, 8, 7, 24, 2], [4, 9, 9, 2]]


@pytest.mark.parametrize("kernel", [1, 3, 4, 7])
@pytest.mark.parametrize(("notes", "width"), [(NOTES, 15), (NOTES, 12), (NOTES[:1], 12), (NOTES[1:2], 1)])
def test_logits_are_those_of_the_paper(kernel: int, notes: list[list[int]], width: int) -> None:
    model, weights = build(kernel=kernel)
    logits = model(batch(notes, width)).logits.detach()
    for i, note in enumerate(notes):
        np.testing.assert_allclose(logits[i], naive(weights, note), atol=1e-5)


def test_without_the_mask_windows_of_padding_count_as_in_the_authors_code() -> None:
    model, weights = build(mask_padding=False)
    given = batch(NOTES, 15)
    logits = model(given).logits.detach()
    for i, tokens in enumerate(given.tokens.tolist()):
        np.testing.assert_allclose(logits[i], naive(weights, tokens), atol=1e-5)


def test_a_note_without_a_token_scores_the_bias() -> None:
    model, weights = build()
    empty = Batch(torch.zeros(2, 3, dtype=torch.long), torch.tensor([[False] * 3, [True] * 3]))
    np.testing.assert_allclose(model(empty).logits[0].detach(), weights["output.bias"], atol=1e-7)
