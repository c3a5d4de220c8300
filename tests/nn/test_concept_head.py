from __future__ import annotations

import pytest
import torch
from torch import Tensor

from icdcoder.nn.concept_head import Head, build_head, fit_head

KINDS = ("linear", "mlp", "attention")
MEMBERSHIP = torch.tensor([[1, 1, 0, 0, 1], [0, 0, 1, 1, 1], [0, 0, 0, 0, 0]], dtype=torch.bool)
LAYERS = torch.tensor([2, 2, 2, 2, 1])


def head(kind: str, own_only: bool = False) -> Head:
    torch.manual_seed(0)
    return build_head(kind, MEMBERSHIP, LAYERS, hidden=8, own_only=own_only)


def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    scores = torch.rand(60, 5, generator=generator)
    gold = torch.stack([scores[:, 0] > 0.5, scores[:, 2] > 0.5, scores[:, 4] > 0.5], 1).float()
    return scores, gold


@pytest.mark.parametrize("kind", KINDS)
def test_before_training_a_code_rises_with_its_own_concepts_alone(kind: str) -> None:
    none, own = torch.zeros(1, 5), torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0]])
    rise = (head(kind)(own) - head(kind)(none)).detach()[0]
    assert rise[0] > 1
    assert rise[1:].abs().max() < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_training_lowers_the_loss_and_is_repeatable(kind: str) -> None:
    scores, gold = data()
    runs = []
    for _ in range(2):
        one = head(kind)
        losses = fit_head(one, scores, gold, steps=80, learning_rate=0.05, decay=0.001)
        assert losses[-1] < 0.9 * losses[0]
        runs.append(one(scores).detach())
    assert torch.equal(*runs)


@pytest.mark.parametrize("kind", ["linear", "attention"])
def test_a_head_over_own_concepts_does_not_look_at_others(kind: str) -> None:
    scores, gold = data()
    one = head(kind, own_only=True)
    fit_head(one, scores, gold, steps=30, learning_rate=0.05, decay=0.0)
    changed = scores.clone()
    changed[:, 2:4] = 1 - changed[:, 2:4]
    assert torch.allclose(one(scores)[:, 0], one(changed)[:, 0])
    assert torch.allclose(one(scores)[:, 2], one(scores)[:1, 2].expand(60)), "a code without concepts has its bias"


@pytest.mark.parametrize("inputs", ["concepts", "both"])
@pytest.mark.parametrize("own_only", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_code_without_training_notes_is_judged_as_codes_are_in_general(
    kind: str, own_only: bool, inputs: str
) -> None:
    scores, gold = data()
    note = torch.full((len(scores), 3), 0.4) if inputs == "both" else None
    seen = torch.tensor([True, False, True])
    narrow, wide = (
        build_head(kind, rows, LAYERS, hidden=8, own_only=own_only, inputs=inputs)
        for rows in (MEMBERSHIP[seen], MEMBERSHIP)
    )
    own = None if note is None else note[:, seen]
    fit_head(narrow, scores, gold[:, seen], own, steps=100, learning_rate=0.05, decay=10.0)
    wide.widen(narrow, seen)
    assert torch.allclose(wide(scores, note)[:, seen], narrow(scores, own), atol=1e-6), "the others are as they were"
    row = None if note is None else note[:1]
    none, told = torch.zeros(1, 5), torch.tensor([[0.0, 0.0, 1.0, 1.0, 0.0]])
    assert wide(told, row)[0, 1] > wide(none, row)[0, 1] + 0.5
    if kind != "mlp":  # whose units may be on without a concept
        low = wide(none, row).detach()[0]
        assert low[1] == pytest.approx(float(low[seen].mean()), abs=1e-5)


@pytest.mark.parametrize("rows", [[[1, 1, 0], [0, 0, 0], [0, 0, 1]], [[0, 0, 0], [1, 0, 0], [0, 1, 1]]])
def test_as_many_pairs_as_codes_are_still_pairs(rows: list[list[int]]) -> None:
    """The last code alone was seen with concepts; a code without any makes three pairs of three codes."""
    membership, layers = torch.tensor(rows, dtype=torch.bool), torch.tensor([1, 2, 2])
    seen = torch.tensor([False, not any(rows[1]), True])
    narrow, wide = (build_head("linear", m, layers, hidden=4, own_only=True) for m in (membership[seen], membership))
    learnt = torch.linspace(0.5, 0.9, sum(rows[2]))
    narrow.state_dict()["over_concepts.own"].copy_(learnt)
    wide.widen(narrow, seen)
    expected = torch.cat([torch.zeros(3 - len(learnt)), learnt])
    assert torch.equal(wide.state_dict()["over_concepts.own"], expected)


def test_the_penalty_keeps_own_weights_small() -> None:
    scores, gold = data()
    sizes = []
    for decay in (0.0, 1.0):
        one = head("linear")
        fit_head(one, scores, gold, steps=80, learning_rate=0.05, decay=decay)
        sizes.append(float(one.penalty().detach()))
    assert sizes[1] < 0.2 * sizes[0]
