from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from icdcoder.nn import dropped_attention
from icdcoder.nn.dropout import Dropout, staying
from icdcoder.nn.dropped_attention import DroppedAttention, SparingDropout, self_attention

LENGTHS = [9, 5, 0]


def inputs() -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(len(LENGTHS), 2, 9, 4, dtype=torch.float64, requires_grad=True) for _ in range(3)]


def test_it_is_attention_whose_weights_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropped_attention, "TILE", 1)  # 16 queries at once, more than there are
    queries, keys, values = inputs()
    found = DroppedAttention.apply(queries, keys, values, LENGTHS, 0.3, 5)
    draws = torch.Generator().manual_seed(5)
    for n, count in enumerate(LENGTHS):
        for h in range(2):
            if not count:
                assert not found[n, h].any()
                continue
            q, k, v = (t[n, h, :count] for t in (queries, keys, values))
            stays, grown = staying(torch.empty(count, count), 0.3, draws)  # "key query"
            weights = torch.softmax(q @ k.t() / 2, 1) * stays.t() * grown
            torch.testing.assert_close(found[n, h, :count], weights @ v)
            assert not found[n, h, count:].any()


@pytest.mark.parametrize("part", [0, 1, 2], ids=["queries", "keys", "values"])
def test_gradients_are_those_of_finite_differences(part: int) -> None:
    given = [t[:2, :1, :, :2].detach() for t in inputs()]
    given[part].requires_grad_()
    assert torch.autograd.gradcheck(lambda *t: DroppedAttention.apply(*t, LENGTHS[:2], 0.3, 5), given)


def test_several_tiles_read_and_learn_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    given = [torch.randn(1, 1, 50, 3, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    found = []
    for tile in (1, 10**9):
        monkeypatch.setattr(dropped_attention, "TILE", tile)
        read = DroppedAttention.apply(*given, [50], 1e-9, 5)  # too small a share to drop anything
        found.append([read, *torch.autograd.grad(read.square().sum(), given)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(found[0][0], self_attention(*given, torch.ones(1, 50, dtype=torch.bool)))


def test_a_whole_batch_keeps_the_mean_of_what_is_read() -> None:
    torch.manual_seed(0)
    queries, keys = (torch.randn(1, 4, 300, 8) for _ in range(2))
    values = torch.ones(1, 4, 300, 8)
    read = self_attention(queries, keys, values, torch.ones(1, 300, dtype=torch.bool), 0.25)
    assert abs(read.mean() - 1) < 0.01
    assert read.std() > 0.01


def test_low_precision_under_autocast() -> None:
    given = [torch.randn(1, 2, 20, 4, dtype=torch.bfloat16, requires_grad=True) for _ in range(3)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        read = self_attention(*given, torch.ones(1, 20, dtype=torch.bool), 0.1)
        read.sum().backward()
    assert read.dtype == torch.float32
    assert all(t.grad is not None and t.grad.dtype == torch.bfloat16 for t in given)


@pytest.mark.parametrize("masked", [True, False])
def test_other_peoples_models_attend_and_drop_as_ours(masked: bool) -> None:
    torch.manual_seed(0)
    given = [torch.randn(2, 3, 6, 4) for _ in range(3)]
    mask = torch.arange(6) < torch.tensor([[6], [4 if masked else 6]])
    square = mask[:, None, None].expand(-1, 1, 6, -1) if masked else None
    torch.manual_seed(1)
    expected = self_attention(*given, mask, 0.4)
    torch.manual_seed(1)
    with SparingDropout():
        found = scaled_dot_product_attention(*given, square, dropout_p=0.4, scale=0.5)
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1, :, :4], expected[1, :, :4])
    torch.manual_seed(1)
    ours = Dropout(0.3)(given[0])
    torch.manual_seed(1)
    with SparingDropout():
        assert torch.equal(nn.Dropout(0.3)(given[0]), ours)
        assert torch.equal(nn.Dropout(0.3).eval()(given[0]), given[0])


@pytest.mark.parametrize("how", ["causal", "biased", "left", "wide"])
def test_another_kind_of_attention_is_left_to_torch(how: str) -> None:
    torch.manual_seed(0)
    queries, keys, values = (torch.randn(1, 2, 5, 4) for _ in range(3))
    given: dict[str, object] = {
        "causal": {"is_causal": True},
        "biased": {"attn_mask": torch.randn(1, 1, 5, 5)},
        "left": {"attn_mask": (torch.arange(5) > 1).expand(1, 1, 5, 5)},
        "wide": {"scale": 3.0},
    }[how]
    torch.manual_seed(1)
    expected = scaled_dot_product_attention(queries, keys, values, dropout_p=0.4, **given)
    torch.manual_seed(1)
    with SparingDropout():
        assert torch.equal(scaled_dot_product_attention(queries, keys, values, dropout_p=0.4, **given), expected)
