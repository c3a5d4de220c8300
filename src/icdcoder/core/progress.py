"""How long work tells how far it is. The commands own the bars; the layers below know only this."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable


class Step(Protocol):
    """Reports work done: `step(n)` after n more units; `note` is a few words such as "loss 0.12"."""

    def __call__(self, done: int = 1, note: str = "") -> None: ...


@runtime_checkable
class Progress(Protocol):
    def track(self, what: str, total: int | None = None) -> AbstractContextManager[Step]: ...


class Silent:
    """Shows nothing."""

    @contextmanager
    def track(self, what: str, total: int | None = None) -> Iterator[Step]:
        def step(done: int = 1, note: str = "") -> None:
            return None

        yield step


SILENT = Silent()
