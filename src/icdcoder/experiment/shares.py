"""The texts of a corpus shared out to those who number them: this process and, of a large corpus, some of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.experiment.draft_process import DraftProcess
from icdcoder.experiment.draft_share import DraftShare, Learnt, Mask
from icdcoder.text.reader import Ids, Learner

# To begin a process takes as long as to number eight million characters; a corpus with fewer is done before.
WORTH_IT = 1 << 24
# Bytes of a corpus's file, gzipped as a rule, which is not all discharge summaries.
LARGE = 1 << 26
# More would wait for the process that reads and writes. Each needs some 60 MB.
MOST = 3
Lengths = npt.NDArray[np.int64]


def processes() -> int:
    """How many number texts beside this one, of a large corpus: one a core; none where there is but one."""
    if not sys.executable or getattr(sys, "frozen", False):  # an application that is no interpreter
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST) if cores > 1 else 0


@dataclass(eq=False)
class _Share:
    """Does one thing after the other, in a thread."""

    number: int
    path: Path
    member: DraftShare | DraftProcess
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "numbering tokens"))
    chunks: list[int] = field(default_factory=list)
    asked: list[Future[Any]] = field(default_factory=list)
    started: Future[None] | None = None

    @property
    def ready(self) -> bool:
        """False as long as its process has not begun, and where it could not."""
        return self.started is None or (self.started.done() and self.started.exception() is None)

    def waiting(self) -> int:
        self.asked = [future for future in self.asked if not future.done()]
        return len(self.asked)

    def close(self) -> None:
        if isinstance(self.member, DraftProcess):
            self.member.end()
        self.thread.shutdown(cancel_futures=True)
        self.member.close()


class Shares:
    """Draft numbers of a corpus, chunk by chunk. A context of its own: `close` ends what it began."""

    def __init__(self, folder: Path, learner: Learner, expected: int = 0) -> None:
        self._folder = folder
        self._learner = learner
        self._opened = ExitStack()
        self._shares: list[_Share] = []
        self._chunks: list[tuple[int, Future[Lengths]]] = []
        self._characters = 0
        self._begun = not learner.divisible
        path = folder / "tokens.0.draft"
        self._add(path, DraftShare(path, learner.numbers))
        if expected >= LARGE:
            self._begin()  # they are there by the time the first texts are

    def count(self, texts: Sequence[str]) -> Future[Lengths]:
        """Has the texts of the next chunk numbered: how many tokens each has."""
        if self._characters >= WORTH_IT:
            self._begin()
        self._characters += sum(map(len, texts))
        able = [share for share in self._shares[1:] if share.ready] or self._shares[:1]
        share = min(able, key=_Share.waiting)
        counted = share.thread.submit(share.member.count, texts)
        share.asked.append(counted)
        share.chunks.append(len(self._chunks))
        self._chunks.append((share.number, counted))
        return counted

    def lengths(self) -> Lengths:
        """How many tokens each document has."""
        return np.concatenate([np.zeros(0, dtype=np.int64), *(counted.result() for _, counted in self._chunks)])

    def learn(self, training: Mask, kept: Mask) -> list[Learnt]:
        """What each share tells, side by side. training, kept: which documents are."""
        ends = np.cumsum([0, *(len(counted.result()) for _, counted in self._chunks)])
        asked = []
        for share in self._shares:
            if share.chunks or share.number == 0:
                places = np.concatenate(
                    [np.zeros(0, dtype=np.int64), *(np.arange(ends[i], ends[i + 1]) for i in share.chunks)]
                )
                given = training[places], kept[places], self._learner.reads_all
                asked.append(share.thread.submit(share.member.learn, *given))
            else:
                asked.append(None)
        return [_NOTHING if future is None else future.result() for future in asked]

    def chunks(self) -> Iterator[tuple[int, Lengths, Ids]]:
        """Of each chunk whose share it is, the lengths of its documents, and their draft ids."""
        with ExitStack() as opened:
            files = [
                opened.enter_context(share.path.open("rb")) if share.path.exists() else None for share in self._shares
            ]
            for number, counted in self._chunks:
                lengths, file = counted.result(), files[number]
                assert file is not None
                yield number, lengths, np.fromfile(file, dtype=np.int32, count=int(lengths.sum()))

    def forget(self) -> None:
        """Removes what lies on disk."""
        self.close()
        for share in self._shares:
            share.path.unlink(missing_ok=True)

    def close(self) -> None:
        self._opened.close()

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        with suppress(OSError):  # no memory, no more processes: then without
            for number in range(1, processes() + 1):
                path = self._folder / f"tokens.{number}.draft"
                process = DraftProcess(path, self._learner.numbers)
                share = self._add(path, process)
                share.started = share.thread.submit(process.start)

    def _add(self, path: Path, member: DraftShare | DraftProcess) -> _Share:
        share = _Share(len(self._shares), path, member)
        self._opened.callback(share.close)
        self._shares.append(share)
        return share


_NOTHING = Learnt("", np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.bool_))
