from __future__ import annotations

import pytest
import torch
from torch import nn

from icdcoder.nn.normalisation import TokenBatchNorm

MASK = torch.arange(7) < torch.tensor([[7], [2], [0], [4]])


def test_training_counts_real_tokens_only() -> None:
    states = torch.randn(4, 7, 5)
    ours, plain = TokenBatchNorm(5), nn.BatchNorm1d(5)
    found = ours(states, MASK)
    torch.testing.assert_close(found[MASK], plain(states[MASK]))
    assert not found[~MASK].any()
    torch.testing.assert_close(ours.norm.running_mean, plain.running_mean)
    torch.testing.assert_close(ours.norm.running_var, plain.running_var)


def test_what_stands_at_padding_changes_no_statistic_and_gets_no_gradient() -> None:
    states = torch.randn(4, 7, 5)
    other = torch.where(MASK[..., None], states, 1e6).requires_grad_()
    first, second = TokenBatchNorm(5), TokenBatchNorm(5)
    torch.testing.assert_close(first(states, MASK), second(other, MASK))
    second(other, MASK).pow(3).sum().backward()
    assert other.grad is not None
    assert not other.grad[~MASK].any()


def test_evaluation_uses_the_running_statistics() -> None:
    layer = TokenBatchNorm(5)
    layer(torch.randn(4, 7, 5) * 3 + 1, MASK)
    layer.eval()
    states = torch.randn(4, 7, 5)
    torch.testing.assert_close(layer(states, MASK)[MASK], layer.norm(states[MASK]))
    torch.testing.assert_close(layer(states[:1], MASK[:1]), layer(states, MASK)[:1])


@pytest.mark.parametrize("real", [0, 1])
def test_fewer_than_two_tokens_leave_the_statistics_alone(real: int) -> None:
    layer = TokenBatchNorm(5)
    layer(torch.randn(4, 7, 5), MASK)
    before = layer.norm.running_var.clone()
    mask = torch.arange(3)[None] < real
    states = torch.randn(1, 3, 5)
    found = layer(states, mask)
    assert not found[~mask].any()
    assert torch.equal(layer.norm.running_var, before)
    torch.testing.assert_close(found[mask], layer.eval()(states, mask)[mask])
