"""Fine-tuning on items that each are a forward and backward pass of their own: questions about one note, say.

A step takes a few items, one at a time: no padding, and no more memory than one needs. AdamW over the weights that
have gradients. What `train.loop` does for coding models is done here through a `Course`, which those who know of
folders and signals provide: progress is shown, the place is kept, and a run that goes on from it ends with the weights
of one that was never stopped, bit for bit on a CPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from icdcoder.core.errors import InputError
from icdcoder.core.progress import SILENT, Progress

GRADIENT_NORM = 1.0
Item = TypeVar("Item")
Tensors = Mapping[str, Mapping[str, Tensor]]


@runtime_checkable
class Keeper(Protocol):
    """Keeps the place of a fine-tuning."""

    def latest(self, shapes: Mapping[str, str]) -> tuple[Tensors, Mapping[str, Any]] | None:
        """The tensors by file and name and the plain data that were kept last; None at the beginning. shapes: of the
        weights that are trained. Raises ArtefactError where what is kept was made with something else."""
        ...

    def after_step(self, step: int, last: bool, place: Callable[[], tuple[Tensors, Mapping[str, Any]]]) -> None:
        """May keep `place()`, and does so after the last step. May raise, to stop."""
        ...


@dataclass(frozen=True)
class Nowhere:
    """Keeps nothing."""

    def latest(self, shapes: Mapping[str, str]) -> None:
        return None

    def after_step(self, step: int, last: bool, place: Callable[[], tuple[Tensors, Mapping[str, Any]]]) -> None:
        return None


@dataclass(frozen=True)
class Course:
    """How a fine-tuning goes. what: its name, for people."""

    what: str = "language model"
    progress: Progress = SILENT
    keeper: Keeper = field(default_factory=Nowhere)


UNWATCHED = Course()


@dataclass(slots=True)
class _Place:
    """step: made so far. total: of the losses of this epoch. weight: what it is divided by. losses: of the epochs that
    ended."""

    step: int = 0
    total: float = 0.0
    weight: float = 0.0
    losses: list[float] = field(default_factory=list)


def fine_tune(
    model: nn.Module,
    epochs: Iterator[Sequence[Item]],
    loss: Callable[[Item], Tensor],
    weigh: Callable[[Sequence[Item]], float],
    *,
    count: int,
    learning_rate: float,
    weight_decay: float,
    together: int,
    course: Course = UNWATCHED,
) -> list[float]:
    """Returns each epoch's mean loss. The model is left in evaluation, and draws from torch's random state.

    epochs: `count` of them, the same each time; those that are done are drawn and passed over. loss: of an item.
    weigh: by what the sum of the losses of a step's items is divided. together: items a step. Raises InputError where
    a loss is no number.
    """
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    optimiser = torch.optim.AdamW(weights.values(), lr=learning_rate, weight_decay=weight_decay)
    place = _begin(weights, optimiser, course.keeper)
    made = 0
    model.train()
    for number, epoch in enumerate(epochs, 1):
        steps = math.ceil(len(epoch) / together)
        if place.step >= made + steps:
            made += steps
            continue
        with course.progress.track(f"{course.what}, epoch {number}/{count}", total=len(epoch)) as bar:
            bar((place.step - made) * together)
            for start in range((place.step - made) * together, len(epoch), together):
                part = epoch[start : start + together]
                _step(weights, optimiser, part, loss, weigh, place)
                if not math.isfinite(place.total):
                    raise _diverged(course.what, place.step, number)
                bar(len(part), f"loss {place.total / max(1.0, place.weight):.4f}")
                if start + together >= len(epoch):
                    place.losses.append(place.total / max(1.0, place.weight))
                    place.total = place.weight = 0.0
                last = number == count and len(place.losses) == count
                course.keeper.after_step(place.step, last, lambda: _kept(weights, optimiser, place))
        made += steps
    if not all(bool(torch.isfinite(weight).all()) for weight in weights.values()):
        raise _diverged(course.what, place.step, count)
    model.eval()
    return place.losses


def _step(
    weights: Mapping[str, Tensor],
    optimiser: torch.optim.Optimizer,
    part: Sequence[Item],
    loss: Callable[[Item], Tensor],
    weigh: Callable[[Sequence[Item]], float],
    place: _Place,
) -> None:
    weight = weigh(part)
    optimiser.zero_grad()
    for item in part:
        found = loss(item)
        (found / weight).backward()
        place.total += float(found.detach())
    nn.utils.clip_grad_norm_(list(weights.values()), GRADIENT_NORM)
    optimiser.step()
    place.weight += weight
    place.step += 1


def _begin(weights: Mapping[str, Tensor], optimiser: torch.optim.Optimizer, keeper: Keeper) -> _Place:
    kept = keeper.latest({name: f"{list(weight.shape)} {weight.dtype}" for name, weight in weights.items()})
    if kept is None:
        return _Place()
    tensors, plain = kept
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(tensors["weights"][name])
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors["optimiser"].items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value.clone()
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    for kind, random in tensors["random"].items():
        if kind == "cpu":
            torch.set_rng_state(random.clone())
        elif torch.cuda.is_available():
            torch.cuda.set_rng_state(random.clone())
    return _Place(**plain)


def _kept(
    weights: Mapping[str, Tensor], optimiser: torch.optim.Optimizer, place: _Place
) -> tuple[Tensors, Mapping[str, Any]]:
    moments = {
        f"{number}.{name}": value
        for number, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }
    random = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        random["cuda"] = torch.cuda.get_rng_state()
    plain = {"step": place.step, "total": place.total, "weight": place.weight, "losses": list(place.losses)}
    return {"weights": dict(weights), "optimiser": moments, "random": random}, plain


def _diverged(what: str, step: int, epoch: int) -> InputError:
    return InputError(
        f"The training of the {what} diverged: its loss or a weight is no number at step {step}, in epoch {epoch}. "
        "Lower learning_rate and begin anew (--fresh)."
    )
