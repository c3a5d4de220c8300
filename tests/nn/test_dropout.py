from __future__ import annotations

import pytest
import torch

from icdcoder.nn.dropout import Dropout, TanhDropout, staying


@pytest.mark.parametrize("kind", [Dropout, TanhDropout])
def test_it_drops_its_share_and_keeps_the_mean(kind: type[Dropout]) -> None:
    torch.manual_seed(0)
    given = torch.full((1_000, 999), 0.5)  # not a multiple of four numbers
    expected = given.tanh() if kind is TanhDropout else given
    found = kind(0.2)(given)
    assert abs((found == 0).double().mean() - 0.2) < 0.002
    torch.testing.assert_close(found[found != 0], (expected / 0.8)[found != 0], rtol=1e-4, atol=0)
    assert torch.equal(kind(0.2).eval()(given), expected)
    assert torch.equal(kind(0.0)(given), expected)


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(0)
    stays = staying(torch.empty(400_000), 0.5)[0].double() - 0.5
    for apart in (1, 2, 3, 4):
        assert abs((stays[apart:] * stays[:-apart]).mean()) < 0.002


@pytest.mark.parametrize("kind", [Dropout, TanhDropout])
def test_gradients_are_those_of_finite_differences(kind: type[Dropout]) -> None:
    given = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)

    def same_draws(states: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(1)
        return kind(0.4)(states)

    assert not same_draws(given).all()
    assert torch.autograd.gradcheck(same_draws, given)


def test_it_draws_from_torchs_seed() -> None:
    given = torch.ones(100)
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(Dropout(0.5)(given))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert not torch.equal(Dropout(0.5)(given), found[2])
