from __future__ import annotations

import pytest
import torch

from icdcoder.nn.convolution import TokenConvolution


@pytest.mark.parametrize("kernel", [1, 2, 3, 10, 25])
def test_a_note_without_padding_is_convolved_as_torch_does(kernel: int) -> None:
    layer = TokenConvolution(4, 6, kernel)
    states = torch.randn(2, 9, 4)
    expected = layer.convolution(states.transpose(1, 2)).transpose(1, 2)[:, :9]
    torch.testing.assert_close(layer(states, torch.ones(2, 9, dtype=torch.bool)), expected)


@pytest.mark.parametrize(("kernel", "positions"), [(4, 10), (10, 10), (5, 9)])
def test_an_even_kernel_can_keep_the_position_past_the_end(kernel: int, positions: int) -> None:
    layer = TokenConvolution(4, 6, kernel, trailing=True)
    states, mask = torch.randn(2, 9, 4), torch.ones(2, 9, dtype=torch.bool)
    torch.testing.assert_close(layer(states, mask), layer.convolution(states.transpose(1, 2)).transpose(1, 2))
    assert layer(states, mask).shape[1] == positions


@pytest.mark.parametrize("kernel", [3, 4])
def test_real_tokens_see_zeros_where_padding_stands(kernel: int) -> None:
    layer = TokenConvolution(4, 6, kernel)
    states = torch.randn(1, 9, 4)
    mask = torch.arange(9)[None] < 5
    short = layer(states[:, :5], mask[:, :5])
    torch.testing.assert_close(layer(states, mask)[:, :5], short)


def test_padding_gets_no_gradient() -> None:
    layer = TokenConvolution(4, 6, 3)
    states = torch.randn(1, 9, 4, requires_grad=True)
    mask = torch.arange(9)[None] < 5
    layer(states, mask).sum().backward()
    assert states.grad is not None
    assert not states.grad[~mask].any()
    assert states.grad[mask].any()
