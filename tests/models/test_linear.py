from __future__ import annotations

import numpy as np
import torch

from icdcoder.models.linear import Linear
from icdcoder.nn.contract import PAD, Batch


def batch(*notes: list[int]) -> Batch:
    width = max(map(len, notes))
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, tokens != PAD)


def trained(words: int = 12, codes: int = 3) -> Linear:
    model = Linear(words, codes).eval()
    with torch.no_grad():
        model.weights.copy_(torch.randn(codes, words, generator=torch.Generator().manual_seed(1)))
    return model


def test_the_logits_are_those_of_the_formula() -> None:
    model, note = trained(), [2, 5, 5, 9, 2, 2]
    counts = np.bincount(note, minlength=12)
    x = np.log1p(counts) * np.log1p(np.maximum(np.arange(12) - 1, 0))
    expected = model.weights.detach().numpy() @ (x / np.linalg.norm(x)) - 3.0
    np.testing.assert_allclose(model(batch(note)).logits[0].detach().numpy(), expected, rtol=1e-5)


def test_word_order_does_not_matter() -> None:
    model = trained()
    torch.testing.assert_close(model(batch([2, 5, 9])).logits, model(batch([9, 2, 5])).logits)


def test_the_word_that_adds_most_gets_most_attention() -> None:
    model = trained()
    with torch.no_grad():
        model.weights.zero_()
        model.weights[1, 7] = 5.0
    attention = model(batch([3, 7, 4]), attention_codes=torch.tensor([1])).attention
    assert attention[0, 0].argmax() == 1


def test_an_unknown_word_alone_says_nothing() -> None:
    model = trained()
    torch.testing.assert_close(model(batch([1, 1])).logits, model.bias[None])
