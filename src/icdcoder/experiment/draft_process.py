"""A share of a corpus's texts in a process of its own.

The interpreter's lock lets one thread at a time number words; processes number them side by side. Requests and answers
go over the process's standard input and output, one after the other. The process ends when its input does, so that it
never outlives the one that started it. It is no `multiprocessing` one: that would run the user's script once more, and
begin by importing what it imports.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icdcoder.core.errors import ArtefactError
from icdcoder.experiment.draft_share import DraftShare, Learnt, Mask

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from icdcoder.text.reader import Numbers

# An interrupt at the keyboard reaches all processes; what it ends is said by the first of them.
START = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.path[:] = sys.argv[1:]; "
    "from icdcoder.experiment.draft_process import serve; serve()"
)
# One thread each, as they share the cores among themselves. What an array has freed is kept for the next one (glibc):
# a tenth of their time would go into getting the same pages again and again.
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 24),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 24),
}


class DraftProcess:
    """As a `DraftShare`. Raises OSError where the process cannot write (as it would itself), ArtefactError where it
    ended or failed."""

    def __init__(self, path: Path, numbers: Callable[[], Numbers]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # where nothing that cites a note can be read
            env=os.environ | ENVIRONMENT,
        )
        self._first = (path, numbers)

    def start(self) -> None:
        """Returns when it is there."""
        self._ask(self._first)

    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        return self._ask(("count", texts))

    def learn(self, training: Mask, kept: Mask, reads_all: bool) -> Learnt:
        return self._ask(("learn", training, kept, reads_all))

    def end(self) -> None:
        """Another thread that waits for an answer gets ArtefactError."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Not while another thread waits for an answer: `end` it first."""
        self.end()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what it did not read any more
                pipe.close()

    def _ask(self, request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump(request, self._process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
            answer = pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            raise ArtefactError(_ended(self._process.wait())) from None
        if isinstance(answer, _Failed):
            answer.tell()
        return answer


def _ended(status: int) -> str:
    how = f"with exit status {status}"
    if status < 0:
        with suppress(ValueError):
            how = f"by {signal.Signals(-status).name}"
    return (
        f"A process that numbers words was ended {how} before its work was done; where the system is short of memory, "
        "it ends processes so. Nothing was written; the same command begins anew."
    )


class _Failed:
    """An error of the process: what the system said, or where it happened; never its words, which may cite a note."""

    def __init__(self, error: BaseException) -> None:
        self._of_system = (error.errno, error.strerror, error.filename) if isinstance(error, OSError) else None
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        at = f" in {Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}" if trace else ""
        self._where = f"{type(error).__name__}{at}"

    def tell(self) -> None:
        if self._of_system is not None:
            raise OSError(*self._of_system)
        raise ArtefactError(f"A process that numbers words failed ({self._where}). Nothing was written.")


def serve() -> None:
    """The work of the process: answers requests until there are no more."""
    requests = sys.stdin.buffer
    # What anything else may print does not get among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    share: DraftShare | None = None
    with suppress(EOFError, BrokenPipeError, pickle.UnpicklingError):  # the other side has ended
        while True:
            request = pickle.load(requests)
            answer: Any = None
            try:
                if share is None:
                    share = DraftShare(*request)
                else:
                    answer = getattr(share, request[0])(*request[1:])
            except Exception as error:
                answer = _Failed(error)
            pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
            answers.flush()
    os._exit(0)  # without a word on an answer that nobody takes
