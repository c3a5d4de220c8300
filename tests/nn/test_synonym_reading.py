from __future__ import annotations

import pytest
import torch
from torch import Tensor

from icdcoder.nn import synonym_reading
from icdcoder.nn.synonym_reading import greatest_reading

CODES = 40
MASK = torch.arange(7) < torch.tensor([[7], [0], [4]])


def inputs() -> list[Tensor]:
    torch.manual_seed(0)
    shapes = (3, 2, 7, 4), (3, 7, 5), (CODES, 2, 4)
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


def plain(keys: Tensor, states: Tensor, queries: Tensor) -> Tensor:
    scores = torch.einsum("cks,nkts->nkct", queries, keys).masked_fill(~MASK[:, None, None], -1e9)
    read = torch.softmax(scores, 3) @ states[:, None]
    return read.amax(1) * MASK.any(1)[:, None, None]


@pytest.mark.parametrize("tile", [1, 10**6])  # 16 codes at once, all at once
def test_it_is_the_greatest_of_what_the_synonyms_read(monkeypatch: pytest.MonkeyPatch, tile: int) -> None:
    monkeypatch.setattr(synonym_reading, "TILE", tile)
    given = inputs()
    weight = torch.randn(3, CODES, 5, dtype=torch.float64)
    found = []
    for read in (greatest_reading(given[0], given[1], MASK, given[2]), plain(*given)):
        found.append([read, *torch.autograd.grad((read * weight).sum(), given)])
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected)


def test_large_scores_and_autocast_stay_finite() -> None:
    keys, states, queries = (t.detach().float().requires_grad_() for t in inputs())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        read = greatest_reading(keys * 300, states.bfloat16(), MASK, queries * 300)
        read.sum().backward()
    assert read.dtype == torch.float32
    assert all(torch.isfinite(t).all() for t in (read, keys.grad, states.grad, queries.grad))
