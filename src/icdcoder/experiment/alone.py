"""A call in a process of its own, which does not outlive its caller."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")

# Seconds between one SIGTERM and the next: a training that has heard the first ends at its next safe place and takes no
# notice of more, and a worker that waits for work takes the next for its end.
AGAIN = 5.0


def called_alone(function: Callable[..., Result], *arguments: Any) -> Result:
    """`function(*arguments)` in a fresh process, whose memory is its own. An error of it is raised here.

    Function, arguments and result are pickled. Where this process is ended, by whatever signal, the other gets SIGTERM.
    """
    with ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_the_caller
    ) as pool:
        return pool.submit(function, *arguments).result()


def _end_with_the_caller() -> None:
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    caller = multiprocessing.parent_process()
    assert caller is not None  # this runs in a worker
    caller.join()
    while True:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(AGAIN)
