"""Label attention: the tiled computation equals the plain one, in values and gradients, and holds no large tensor."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from icdcoder.nn import label_attention, tiles
from icdcoder.nn.label_attention import LabelAttention, attention, label_logits, plain_label_logits
from icdcoder.nn.tiled_scores import TiledScores

Inputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


def inputs(
    notes: int, tokens: int, codes: int, attended: int, hidden: int, dtype: torch.dtype = torch.float64
) -> Inputs:
    """keys, values, mask, queries, weights, bias; notes of different lengths, the second without any token."""
    random = torch.Generator().manual_seed(7)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64).to(dtype).requires_grad_()

    lengths = torch.randint(1, tokens + 1, (notes,), generator=random)
    lengths[0] = tokens
    if notes > 1:
        lengths[1] = 0
    mask = torch.arange(tokens) < lengths[:, None]
    return (
        draw(notes, tokens, attended),
        draw(notes, tokens, hidden),
        mask,
        draw(codes, attended),
        draw(codes, hidden),
        draw(codes),
    )


@pytest.fixture
def tiny_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles of 32 codes × 7 tokens, and no plain formulation."""
    monkeypatch.setattr(tiles, "CPU_TILE", 1)
    monkeypatch.setattr(tiles, "CPU_ROWS", 7)
    monkeypatch.setattr(label_attention, "PLAIN_ELEMENTS", 0)


def gradients(function, given: Inputs, weight: Tensor) -> list[Tensor]:
    leaves = [t for t in given if t.requires_grad]
    return list(torch.autograd.grad((function(*given) * weight).sum(), leaves))


@pytest.mark.usefixtures("tiny_tiles")
@pytest.mark.parametrize(("attended", "hidden"), [(5, 5), (4, 9), (9, 4)])
def test_the_tiled_computation_equals_the_plain_one(attended: int, hidden: int) -> None:
    given = inputs(4, 20, 70, attended, hidden)
    torch.testing.assert_close(label_logits(*given), plain_label_logits(*given), rtol=1e-12, atol=1e-12)
    weight = torch.randn(4, 70, dtype=torch.float64)
    for ours, plain in zip(
        gradients(label_logits, given, weight), gradients(plain_label_logits, given, weight), strict=True
    ):
        torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-11)


@pytest.mark.usefixtures("tiny_tiles")
def test_its_gradients_are_those_of_finite_differences() -> None:
    given = inputs(3, 9, 34, 2, 3)
    assert torch.autograd.gradcheck(label_logits, given)


@pytest.mark.usefixtures("tiny_tiles")
def test_keys_that_are_the_values_get_both_gradients() -> None:
    _, states, mask, queries, weights, bias = inputs(3, 20, 70, 6, 6)
    weight = torch.randn(3, 70, dtype=torch.float64)
    found = []
    for function in (label_logits, plain_label_logits):
        logits = function(states, states, mask, queries, weights, bias)
        found.append([logits, *torch.autograd.grad((logits * weight).sum(), (states, queries, weights, bias))])
    for ours, plain in zip(*found, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-11)


@pytest.mark.usefixtures("tiny_tiles")
def test_the_gradient_of_one_code_equals_its_part_of_the_whole() -> None:
    given = inputs(2, 15, 80, 4, 4)
    weight = torch.zeros(2, 80, dtype=torch.float64)
    weight[0, 67] = 1.0
    for ours, plain in zip(
        gradients(label_logits, given, weight), gradients(plain_label_logits, given, weight), strict=True
    ):
        torch.testing.assert_close(ours, plain)


@pytest.mark.usefixtures("tiny_tiles")
def test_large_scores_neither_overflow_nor_vanish() -> None:
    keys, values, mask, queries, weights, bias = inputs(2, 12, 40, 3, 3, torch.float32)
    given = (keys * 200, values, mask, queries * 200, weights, bias)
    logits = label_logits(*given)
    assert torch.isfinite(logits).all()
    torch.testing.assert_close(logits, plain_label_logits(*given), rtol=1e-3, atol=1e-3)
    assert all(torch.isfinite(g).all() for g in torch.autograd.grad(logits.sum(), (keys, values, queries, weights)))


@pytest.mark.parametrize("plain_elements", [0, 10**9])
def test_a_note_without_a_token_scores_the_bias(monkeypatch: pytest.MonkeyPatch, plain_elements: int) -> None:
    monkeypatch.setattr(label_attention, "PLAIN_ELEMENTS", plain_elements)
    given = inputs(3, 8, 40, 3, 3)
    assert torch.equal(label_logits(*given)[1], given[5])
    to_keys, to_values = gradients(label_logits, given, torch.ones(3, 40, dtype=torch.float64))[:2]
    assert not to_keys[1].any()
    assert not to_values[1].any()


def test_padding_gets_no_attention_and_no_gradient() -> None:
    keys, values, mask, queries, weights, bias = inputs(5, 9, 40, 3, 3)
    weighed = attention(keys, mask, queries)
    assert not weighed.transpose(1, 2)[~mask].any()
    torch.testing.assert_close(weighed.sum(2), mask.any(1).double()[:, None].expand(5, 40))
    for function in (label_logits, plain_label_logits):
        loss = function(keys, values, mask, queries, weights, bias).sum()
        for gradient in torch.autograd.grad(loss, (keys, values)):
            assert not gradient[~mask].any()


@pytest.mark.parametrize("plain_elements", [0, 10**9])
def test_what_stands_at_padding_has_no_influence(monkeypatch: pytest.MonkeyPatch, plain_elements: int) -> None:
    monkeypatch.setattr(label_attention, "PLAIN_ELEMENTS", plain_elements)
    keys, values, mask, queries, weights, bias = inputs(5, 9, 40, 3, 3)
    before = label_logits(keys, values, mask, queries, weights, bias)
    padding = ~mask[..., None]
    keys, values = keys.masked_fill(padding, 1e4), values.masked_fill(padding, -1e4)
    assert torch.equal(before, label_logits(keys, values, mask, queries, weights, bias))


@pytest.mark.usefixtures("tiny_tiles")
def test_real_tokens_need_not_stand_in_one_piece() -> None:
    keys, values, _, queries, weights, bias = inputs(3, 13, 40, 3, 3)
    mask = torch.rand(3, 13, generator=torch.Generator().manual_seed(1)) < 0.5
    given = (keys, values, mask, queries, weights, bias)
    torch.testing.assert_close(label_logits(*given), plain_label_logits(*given))
    found = [gradients(function, given, torch.ones(())) for function in (label_logits, plain_label_logits)]
    for ours, plain in zip(*found, strict=True):
        torch.testing.assert_close(ours, plain)


@pytest.mark.parametrize("plain_elements", [0, 10**9])
def test_autocast_and_low_precision_give_finite_float32_logits(
    monkeypatch: pytest.MonkeyPatch, plain_elements: int
) -> None:
    monkeypatch.setattr(label_attention, "PLAIN_ELEMENTS", plain_elements)
    given = inputs(3, 30, 40, 8, 8, torch.float32)
    low = tuple(t.detach().to(torch.bfloat16).requires_grad_() if t.is_floating_point() else t for t in given[:2])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = label_logits(*low, *given[2:])
        logits.sum().backward()
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, label_logits(*given), rtol=0.1, atol=0.1)
    assert low[0].grad is not None
    assert low[0].grad.dtype == torch.bfloat16
    assert torch.isfinite(low[0].grad).all()


def test_the_module_scores_all_codes_and_shows_the_attention_asked_for() -> None:
    module = LabelAttention(12, 4, 6)
    keys, values, mask, *_ = inputs(3, 7, 12, 4, 6, torch.float32)
    asked = torch.tensor([5, 0, 5])
    scores = module(keys, values, mask, asked)
    assert scores.attention is not None
    read = scores.attention @ values
    expected = (module.weights[asked] * read).sum(2) + module.bias[asked]
    torch.testing.assert_close(scores.logits[:, asked], expected)
    assert module(keys, values, mask).attention is None


class LargestTensor(TorchDispatchMode):
    """Remembers the number of elements of the largest tensor that any operation returned."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves(found):
            if isinstance(tensor, Tensor):
                self.elements = max(self.elements, tensor.untyped_storage().nbytes() // tensor.element_size())
        return found


@pytest.mark.parametrize("attended", [8, 4], ids=["fused", "tiled"])
@pytest.mark.parametrize(("function", "holds_all"), [(label_logits, False), (plain_label_logits, True)])
def test_note_code_token_is_never_held(function, holds_all: bool, attended: int) -> None:
    notes, tokens, codes, hidden = 4, 600, 3_000, 8
    given = inputs(notes, tokens, codes, attended, hidden, torch.float32)
    with LargestTensor() as largest:
        function(*given).sum().backward()
    whole = notes * tokens * codes
    assert (largest.elements >= whole) == holds_all
    if not holds_all:
        assert largest.elements <= tiles.CPU_TILE < whole / 4


def test_nothing_is_kept_where_no_gradient_is_asked_for() -> None:
    keys, values, mask, queries, weights, _ = inputs(2, 50, 64, 4, 100, torch.float32)
    with torch.no_grad(), LargestTensor() as largest:
        label_logits(keys, values, mask, queries, weights, torch.zeros(64))
        largest.elements = 0
        TiledScores.apply(keys, values, mask, queries, weights, False)
    assert largest.elements < 2 * 64 * 100
