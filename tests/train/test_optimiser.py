from __future__ import annotations

import copy
import json
import math

import pytest
import torch
from torch import nn

from icdcoder.train import optimiser as optimisers
from icdcoder.train.optimiser import factor


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(30, 8), nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 3))


def trained(module: nn.Module, optimiser: torch.optim.Optimizer, steps: int = 20) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        optimiser.zero_grad()
        module(torch.randint(0, 30, (16,), generator=generator)).square().sum().backward()
        optimiser.step()
    return [p.detach().clone() for p in module.parameters()]


@pytest.mark.parametrize("name", ["adam", "adamw"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_fused_optimiser_gives_the_default_ones_numbers(name: str, decay: float) -> None:
    module = model()
    twin = copy.deepcopy(module)
    ours = optimisers.build(name, module.parameters(), learning_rate=0.01, weight_decay=decay, epsilon=1e-6)  # type: ignore[arg-type]
    assert all(group["fused"] for group in ours.param_groups)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]
    matrices = [p for p in twin.parameters() if p.ndim >= 2]
    vectors = [p for p in twin.parameters() if p.ndim < 2]
    plain = kind(
        [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=0.01,
        eps=1e-6,
        foreach=False,
    )
    for a, b in zip(trained(module, ours), trained(twin, plain), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_biases_and_normalisation_do_not_decay_and_frozen_weights_are_left_out() -> None:
    module = model()
    module[0].weight.requires_grad_(False)
    groups = optimisers.build("adamw", module.parameters(), learning_rate=0.1, weight_decay=0.3).param_groups
    assert [(g["weight_decay"], [p.ndim for p in g["params"]]) for g in groups] == [(0.3, [2, 2]), (0.0, [1, 1, 1, 1])]


def test_a_device_without_fused_kernel_falls_back() -> None:
    weight = nn.Parameter(torch.zeros(2, 2, device="meta"))
    assert not optimisers.build("adam", [weight], learning_rate=0.1).defaults["fused"]


def test_schedules_at_their_corners() -> None:
    assert [factor("constant", s, 0, 10) for s in (0, 5, 10, 99)] == [1.0] * 4
    assert [factor("linear", s, 0, 4) for s in range(6)] == [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    assert factor("cosine", 0, 0, 10) == 1.0
    assert factor("cosine", 5, 0, 10) == pytest.approx(0.5)
    assert factor("cosine", 10, 0, 10) == pytest.approx(0.0, abs=1e-12)
    for name in ("constant", "linear", "cosine"):
        rising = [factor(name, s, 4, 20) for s in range(5)]  # type: ignore[arg-type]
        assert rising == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
        assert all(0 <= factor(name, s, 30, 20) <= 1 for s in range(40))  # type: ignore[arg-type]


def test_the_schedule_sets_the_learning_rate() -> None:
    optimiser = optimisers.build("adam", model().parameters(), learning_rate=0.5)
    schedule = optimisers.schedule(optimiser, "cosine", warmup_steps=1, total_steps=5)
    rates = []
    for _ in range(5):
        rates.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    want = [0.25] + [0.25 * (1 + math.cos(math.pi * s / 4)) for s in range(4)]
    assert rates == pytest.approx(want)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_the_state_goes_through_tensors_and_json_and_continues_exactly(name: str) -> None:
    module = model()
    optimiser = optimisers.build(name, module.parameters(), learning_rate=0.01, weight_decay=0.1)  # type: ignore[arg-type]
    trained(module, optimiser, steps=7)
    tensors, groups = optimisers.state_to_tensors(optimiser)
    groups = json.loads(json.dumps(groups))
    twin = copy.deepcopy(module)
    again = optimisers.build(name, twin.parameters(), learning_rate=0.99)  # type: ignore[arg-type]
    optimisers.load_state(again, {k: v.clone() for k, v in tensors.items()}, groups)
    for a, b in zip(trained(module, optimiser), trained(twin, again), strict=True):
        assert torch.equal(a, b)
