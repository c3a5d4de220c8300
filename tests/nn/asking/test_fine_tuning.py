"""A fine-tuning that was stopped ends as one that was not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from icdcoder.core.errors import InputError
from icdcoder.core.progress import Step
from icdcoder.nn.asking.fine_tuning import UNWATCHED, Course, Nowhere, Tensors, fine_tune

EPOCHS, ITEMS, TOGETHER = 3, 5, 2


class StoppedError(Exception):
    pass


class Kept:
    """Keeps every place, and stops after one of the steps."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop = stop
        self.place: tuple[Tensors, Mapping[str, Any]] | None = None
        self.steps: list[tuple[int, bool]] = []

    def latest(self, shapes: Mapping[str, str]) -> tuple[Tensors, Mapping[str, Any]] | None:
        assert shapes == {"1.weight": "[1, 4] torch.float32", "1.bias": "[1] torch.float32"}
        return self.place

    def after_step(self, step: int, last: bool, place: Callable[[], tuple[Tensors, Mapping[str, Any]]]) -> None:
        self.steps.append((step, last))
        tensors, plain = place()
        copied = {file: {name: tensor.clone() for name, tensor in group.items()} for file, group in tensors.items()}
        self.place = copied, {**plain, "losses": list(plain["losses"])}
        if step == self.stop:
            raise StoppedError


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 1))


def epochs() -> Iterator[list[Tensor]]:
    draw = torch.Generator().manual_seed(1)
    for _ in range(EPOCHS):
        yield list(torch.randn(ITEMS, 4, generator=draw))


def run(made: nn.Module, course: Course = UNWATCHED, rate: float = 0.1) -> list[float]:
    return fine_tune(
        made,
        epochs(),
        lambda item: (made(item) - 1).square().sum(),
        len,
        count=EPOCHS,
        learning_rate=rate,
        weight_decay=0.01,
        together=TOGETHER,
        course=course,
    )


@pytest.mark.parametrize("stop", range(1, 10))
def test_it_goes_on_to_the_same_weights_wherever_it_was_stopped(stop: int) -> None:
    whole, whole_kept = model(), Kept()
    losses = run(whole, Course(keeper=whole_kept))
    assert whole_kept.steps == [(step, step == 9) for step in range(1, 10)]
    assert not whole.training
    kept = Kept(stop)
    with pytest.raises(StoppedError):
        run(model(), Course(keeper=kept))
    kept.stop = None
    torch.manual_seed(77)
    again = model()
    with torch.no_grad():
        again[1].weight.zero_()
    torch.manual_seed(78)  # what dropout draws is kept with the place
    assert run(again, Course(keeper=kept)) == losses
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])


def test_without_a_keeper_it_is_the_same() -> None:
    one, other = model(), model()
    torch.manual_seed(3)
    losses = run(one)
    torch.manual_seed(3)
    assert run(other, Course(keeper=Nowhere())) == losses
    assert len(losses) == EPOCHS
    assert torch.equal(one[1].weight, other[1].weight)


def test_a_loss_that_is_no_number_stops_at_its_step_with_a_sentence() -> None:
    kept = Kept()
    with pytest.raises(InputError, match=r"the tiny model diverged.*step 2, in epoch 1.*learning_rate.*--fresh"):
        run(model(), Course("tiny model", keeper=kept), rate=float("inf"))
    assert kept.steps == [(1, False)], "nothing is kept of the step that diverged"


def test_progress_tells_epoch_items_and_loss() -> None:
    told: list[tuple[str, int | None, int, str]] = []

    class Told:
        @contextmanager
        def track(self, what: str, total: int | None = None) -> Iterator[Step]:
            def step(done: int = 1, note: str = "") -> None:
                told.append((what, total, done, note))

            yield step

    kept = Kept(stop=4)
    with pytest.raises(StoppedError):
        run(model(), Course("tiny", Told(), kept))
    assert [done for what, _, done, _ in told if what == "tiny, epoch 1/3"] == [0, 2, 2, 1]
    assert told[1][3].startswith("loss ")
    told.clear()
    kept.stop = None
    run(model(), Course("tiny", Told(), kept))
    # It begins where it was stopped: behind two of the five items of the second epoch.
    assert told[0][:3] == ("tiny, epoch 2/3", ITEMS, 2)
    assert sum(done for _, _, done, _ in told) == 2 * ITEMS
