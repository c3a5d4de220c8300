from __future__ import annotations

import math

import pytest
import torch

from icdcoder.nn.asymmetric import asymmetric_loss, asymmetric_penalty
from icdcoder.nn.contract import Batch, Scores
from icdcoder.nn.losses import binary_cross_entropy


def naive(logit: float, gold: int, positive: float, negative: float, margin: float) -> float:
    p = 1 / (1 + math.exp(-logit))
    if gold:
        return -((1 - p) ** positive) * math.log(p)
    q = max(p - margin, 0.0)
    return -(q**negative) * math.log(1 - q)


@pytest.mark.parametrize(("positive", "negative", "margin"), [(0.0, 4.0, 0.05), (1.0, 2.0, 0.2), (0.0, 0.0, 0.0)])
def test_it_is_the_equation(positive: float, negative: float, margin: float) -> None:
    logits = torch.tensor([[-3.0, 0.2, 1.5], [2.0, -0.1, -6.0]])
    targets = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    found = asymmetric_loss(logits, targets, positive_focus=positive, negative_focus=negative, margin=margin)
    pairs = zip(logits.flatten().tolist(), targets.flatten().tolist(), strict=True)
    assert float(found) == pytest.approx(sum(naive(z, int(y), positive, negative, margin) for z, y in pairs) / 6)


def test_the_penalty_turns_cross_entropy_into_it() -> None:
    batch = Batch(torch.ones(1, 2, dtype=torch.long), torch.ones(1, 2, dtype=torch.bool), torch.tensor([[0.0, 1.0]]))
    logits = torch.tensor([[1.0, -1.0]])
    total = binary_cross_entropy(Scores(logits), batch) + asymmetric_penalty(logits, batch)
    torch.testing.assert_close(total, asymmetric_loss(logits, batch.targets))
    assert asymmetric_penalty(logits, Batch(batch.tokens, batch.mask)) is None


def test_certain_and_wrong_stays_finite() -> None:
    logits = torch.tensor([[200.0, -200.0, -200.0]], requires_grad=True)
    loss = asymmetric_loss(logits, torch.tensor([[0.0, 1.0, 0.0]]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
