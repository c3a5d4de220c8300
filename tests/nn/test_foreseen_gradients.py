"""Gradients computed along with the logits are those that autograd finds, for any loss."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from icdcoder.nn import foreseen_gradients, label_attention, tiles
from icdcoder.nn.label_attention import label_logits, plain_label_logits

NOTES, TOKENS, CODES = 4, 20, 70
Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, gold: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(logits, gold)


LOSSES: dict[str, tuple[Loss, bool]] = {
    "mean": (cross_entropy, True),
    "sum": (lambda z, y: binary_cross_entropy_with_logits(z, y, reduction="sum"), True),
    "scaled": (lambda z, y: 65_536 * (3 / 8) * cross_entropy(z, y), True),
    "twice": (lambda z, y: cross_entropy(z, y) + 0.5 * cross_entropy(z, y), True),
    "nothing": (lambda z, y: 0.0 * cross_entropy(z, y), True),
    "notes weighted": (lambda z, y: (torch.arange(len(z))[:, None] * (torch.sigmoid(z) - y) ** 2).sum(), False),
    "a penalty on logits": (lambda z, y: cross_entropy(z, y) + 1e-4 * z.square().sum(), False),
    "margins": (lambda z, y: cross_entropy(z - 0.1 * y, y), False),
    "one code": (lambda z, y: z[0, 67], False),
}


@pytest.fixture(autouse=True)
def tiny_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles of 32 codes × 7 tokens, and no plain formulation."""
    monkeypatch.setattr(tiles, "CPU_TILE", 1)
    monkeypatch.setattr(tiles, "CPU_ROWS", 7)
    monkeypatch.setattr(label_attention, "PLAIN_ELEMENTS", 0)


def drawn(attended: int, hidden: int, dtype: torch.dtype = torch.float64) -> tuple[list[Tensor], Tensor, Tensor]:
    """[keys, values, queries, weights, bias], mask, gold; tokens with gaps, the second note without any."""
    random = torch.Generator().manual_seed(3)
    shapes = (NOTES, TOKENS, attended), (NOTES, TOKENS, hidden), (CODES, attended), (CODES, hidden), (CODES,)
    given = [torch.randn(*shape, generator=random, dtype=torch.float64).to(dtype).requires_grad_() for shape in shapes]
    mask = torch.rand(NOTES, TOKENS, generator=random) < 0.7
    mask[1] = False
    return given, mask, (torch.rand(NOTES, CODES, generator=random) < 0.1).to(dtype)


@pytest.fixture
def made_anew(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Holds one entry for each backward pass that did not find what was foreseen."""
    calls: list[int] = []
    anew = foreseen_gradients._anew

    def counted(*given):
        calls.append(1)
        return anew(*given)

    monkeypatch.setattr(foreseen_gradients, "_anew", counted)
    return calls


@pytest.mark.parametrize(("attended", "hidden"), [(4, 9), (9, 4)])
@pytest.mark.parametrize("kind", LOSSES)
def test_gradients_are_those_of_the_plain_formulation(
    kind: str, attended: int, hidden: int, made_anew: list[int]
) -> None:
    (keys, values, queries, weights, bias), mask, gold = drawn(attended, hidden)
    loss, foreseen = LOSSES[kind]
    leaves = (keys, values, queries, weights, bias)
    ours = label_logits(keys, values, mask, queries, weights, bias, gold)
    plain = plain_label_logits(keys, values, mask, queries, weights, bias)
    torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)
    found = torch.autograd.grad(loss(ours, gold), leaves)
    for one, other in zip(found, torch.autograd.grad(loss(plain, gold), leaves), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)
    assert made_anew == ([] if foreseen else [1])


def test_what_else_stands_in_the_logits_is_foreseen_too(made_anew: list[int]) -> None:
    (keys, values, queries, weights, _), mask, gold = drawn(4, 9)
    added = torch.randn(NOTES, CODES, dtype=torch.float64, requires_grad=True)
    found = []
    for logits in (
        label_logits(keys, values, mask, queries, weights, added, gold),
        plain_label_logits(keys, values, mask, queries, weights, added),
    ):
        found.append(torch.autograd.grad(cross_entropy(logits, gold), (keys, values, queries, weights, added)))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)
    assert not made_anew


def test_in_single_precision_it_is_still_recognised(made_anew: list[int]) -> None:
    (keys, values, queries, weights, bias), mask, gold = drawn(4, 9, torch.float32)
    logits = label_logits(keys * 5, values * 5, mask, queries, weights * 5, bias, gold)
    assert logits.abs().max() > 30, "some are all but certain, so that their gradients are next to nothing"
    cross_entropy(logits, gold).backward()
    assert keys.grad is not None
    assert torch.isfinite(keys.grad).all()
    assert not made_anew


def test_a_gradient_may_be_asked_for_twice() -> None:
    (keys, values, queries, weights, bias), mask, gold = drawn(4, 9)
    loss = cross_entropy(label_logits(keys, values, mask, queries, weights, bias, gold), gold)
    first = torch.autograd.grad(loss, (keys, weights), retain_graph=True)
    second = torch.autograd.grad(loss, (keys, weights))
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)


def test_without_gradients_none_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    (keys, values, queries, weights, bias), mask, gold = drawn(4, 9)
    monkeypatch.setattr(foreseen_gradients, "_one_note", lambda *_: pytest.fail("a gradient was computed"))
    with torch.no_grad():
        label_logits(keys, values, mask, queries, weights, bias, gold)
