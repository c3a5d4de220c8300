"""When training ends: patience with the monitored measure, a signal, or a loss that is no number."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Literal

from icdcoder.core.errors import IcdcoderError

# A launcher passes a Ctrl-C on that the terminal has sent already; only a later one is a second wish.
SAME_SIGNAL_SECONDS = 1.0


class TrainingStoppedError(IcdcoderError):
    """Training ended before its time: a signal came, or it diverged. What the last checkpoint holds is kept."""


class TrainingInterruptedError(TrainingStoppedError):
    """A signal came: the user wants no more of it, nor what would be trained next."""


@dataclass(slots=True)
class Best:
    """The best epoch so far; with the mode "last", the last one. score: None before the first; nan where the measure
    was no number."""

    mode: Literal["max", "min", "last"]
    epoch: int = 0
    score: float | None = None
    waited: int = 0

    def update(self, epoch: int, score: float) -> bool:
        """Whether this epoch is the best so far. A number is better than nan; an equal score is not better."""
        better = self.mode == "last" or self.score is None or (math.isnan(self.score) and not math.isnan(score))
        if self.score is not None:
            better = better or (score > self.score if self.mode == "max" else score < self.score)
        if better:
            self.epoch, self.score, self.waited = epoch, score, 0
        else:
            self.waited += 1
        return better


class _StoppedNow(BaseException):
    """Not an Exception, so that no `except Exception` on the way swallows it."""


class Signals:
    """While entered, Ctrl-C and SIGTERM are remembered in `received`, for the loop to stop at the next safe place.

    A second Ctrl-C stops at once. In a thread other than the main one, signals are left alone.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._when = 0.0
        self._at_once = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)  # type: ignore[arg-type]

    def _receive(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.received is None:
            self.received, self._when = signal.Signals(number), now
            if self._at_once:
                raise _StoppedNow
        elif number == signal.SIGINT and now - self._when > SAME_SIGNAL_SECONDS:
            raise KeyboardInterrupt

    @contextmanager
    def leaving_at_once(self, wanted: bool = True) -> Iterator[None]:
        """For work that may be dropped at any place: a signal ends the block, quietly; `received` tells."""
        try:
            self._at_once = wanted
            yield
        except _StoppedNow:
            pass
        finally:
            self._at_once = False
