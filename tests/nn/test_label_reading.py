from __future__ import annotations

import torch

from icdcoder.nn.label_attention import attention
from icdcoder.nn.label_reading import label_reading


def test_it_is_attention_times_values() -> None:
    torch.manual_seed(0)
    keys, values, queries = torch.randn(3, 7, 5), torch.randn(3, 7, 4), torch.randn(6, 5)
    for mask in (torch.ones(3, 7, dtype=torch.bool), torch.arange(7) < torch.tensor([[7], [2], [0]])):
        found = label_reading(keys, values, mask, queries)
        torch.testing.assert_close(found, attention(keys, mask, queries) @ values, atol=1e-6, rtol=1e-5)


def test_a_row_without_tokens_gives_and_gets_no_gradient() -> None:
    keys, values = torch.randn(2, 3, 4, requires_grad=True), torch.randn(2, 3, 4, requires_grad=True)
    mask = torch.tensor([[True, True, False], [False, False, False]])
    label_reading(keys, values, mask, torch.randn(5, 4)).pow(2).sum().backward()
    assert torch.isfinite(keys.grad).all()
    assert not values.grad[1].any()
    assert not values.grad[0, 2].any()
