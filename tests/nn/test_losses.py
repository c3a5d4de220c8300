from __future__ import annotations

import math

import pytest
import torch

from icdcoder.core.errors import InputError
from icdcoder.nn.contract import Batch, Scores
from icdcoder.nn.losses import binary_cross_entropy

TOKENS = torch.ones(2, 1, dtype=torch.long)


def test_it_is_the_mean_over_notes_and_codes() -> None:
    logits = torch.tensor([[0.3, -2.0], [4.0, 0.0]])
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    by_hand = 0.0
    for z, y in zip(logits.flatten().tolist(), targets.flatten().tolist(), strict=True):
        p = 1 / (1 + math.exp(-z))
        by_hand -= (y * math.log(p) + (1 - y) * math.log(1 - p)) / 4
    loss = binary_cross_entropy(Scores(logits), Batch(TOKENS, TOKENS > 0, targets))
    assert loss.item() == pytest.approx(by_hand)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_sure_and_wrong_is_expensive_but_finite(dtype: torch.dtype) -> None:
    logits = torch.full((2, 3), -300.0, dtype=dtype)
    loss = binary_cross_entropy(Scores(logits), Batch(TOKENS, TOKENS > 0, torch.ones(2, 3)))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(300, rel=0.01)


def test_notes_without_gold_are_refused() -> None:
    with pytest.raises(InputError, match="gold"):
        binary_cross_entropy(Scores(torch.zeros(2, 3)), Batch(TOKENS, TOKENS > 0))
