from __future__ import annotations

import pytest
import torch
from torch import nn

from icdcoder.nn.residual_filter import ResidualFilter, side_by_side

MASK = torch.arange(9) < torch.tensor([[9], [5], [0]])


def filters() -> nn.ModuleList:
    torch.manual_seed(0)
    return nn.ModuleList(ResidualFilter(4, 6, kernel, (5, 3), 0.0) for kernel in (3, 5))


@pytest.mark.parametrize("training", [True, False])
def test_filters_read_side_by_side_what_each_reads_alone(training: bool) -> None:
    states = torch.randn(3, 9, 4)
    together = side_by_side(filters().train(training), states, MASK)
    alone = [one(states, MASK) for one in filters().train(training)]
    torch.testing.assert_close(together, torch.cat(alone, 2))
    assert together.shape == (3, 9, 6)


@pytest.mark.parametrize("training", [True, False])
def test_what_stands_at_padding_changes_no_state_and_gets_no_gradient(training: bool) -> None:
    states = torch.randn(3, 9, 4)
    other = states.masked_fill(~MASK[..., None], 50.0).requires_grad_()
    expected = side_by_side(filters().train(training), states, MASK)
    found = side_by_side(filters().train(training), other, MASK)
    torch.testing.assert_close(found[MASK], expected[MASK])
    found[MASK].square().sum().backward()
    assert other.grad is not None
    assert not other.grad[~MASK].any()
    assert other.grad[MASK].any()


def test_evaluation_reads_a_padded_note_as_it_reads_it_alone() -> None:
    read = filters()
    side_by_side(read.train(), torch.randn(3, 9, 4), MASK)  # so that running statistics are not zero and one
    states = torch.randn(1, 9, 4)
    padded = side_by_side(read.eval(), states, MASK[1:2])
    torch.testing.assert_close(padded[:, :5], side_by_side(read, states[:, :5], MASK[1:2, :5]))


def test_the_backward_pass_keeps_no_masked_copies() -> None:
    """Of a note's states: one of X, six of each block, and nothing else as large."""
    kept: set[int] = set()

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.is_floating_point() and tensor.numel() >= 200 * 30:
            kept.add(tensor.untyped_storage().data_ptr())
        return tensor

    read = ResidualFilter(32, 32, 3, (32,), 0.2)
    states, mask = torch.randn(1, 200, 32, requires_grad=True), torch.arange(200)[None] < 190
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        found = read(states, mask)
        assert len(kept) <= 7
    found.sum().backward()
