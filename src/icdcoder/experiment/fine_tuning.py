"""Fine-tunings within an experiment: shown, kept in the run's folder, stopped by a signal, and gone on with."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.document import Document
from icdcoder.core.progress import SILENT, Progress
from icdcoder.nn.asking.fine_tuning import Course, Tensors
from icdcoder.train.checkpoint import Checkpoints
from icdcoder.train.fingerprint import Fingerprint
from icdcoder.train.stopping import Signals, TrainingInterruptedError

FOLDER = "fine_tuning"
EVERY = 500
Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FineTunings:
    """Those of one run, each under its name. run: the folder, which belongs to one configuration. every: steps between
    checkpoints, which hold the weights that are trained, the optimiser and the random state."""

    run: Path
    seed: int
    progress: Progress = SILENT
    every: int = EVERY

    @property
    def folder(self) -> Path:
        return self.run / FOLDER

    @contextmanager
    def course(self, name: str, documents: Sequence[Document]) -> Iterator[Course]:
        """Of the fine-tuning on these documents. While it goes, a signal stops it at the end of a step; what was done
        is kept, and TrainingInterruptedError raised."""
        with ExitStack() as ended:
            keeper = _Keeper(self.folder / name, self.every, {"name": name, "seed": self.seed}, documents, ended)
            yield Course(f"Fine-tuning, {name.replace('_', ' ')}", self.progress, keeper)

    def remembered(self, name: str, compute: Callable[[], Matrix]) -> Matrix:
        """What `compute` gave, kept with the fine-tunings: the scores of a fold take as long as its training."""
        path = self.folder / f"{name}.npy"
        if path.exists():
            return np.load(path)
        found = compute()
        if self.folder.exists():  # else nothing is fine-tuned
            work = path.with_suffix(".part.npy")
            np.save(work, found)
            work.replace(path)
        return found

    def forget(self) -> None:
        """Once the run is done."""
        shutil.rmtree(self.folder, ignore_errors=True)


class _Keeper:
    """A `nn.asking.fine_tuning.Keeper`. ended: what is to be undone when the fine-tuning is over."""

    def __init__(
        self,
        folder: Path,
        every: int,
        settings: Mapping[str, Any],
        documents: Sequence[Document],
        ended: ExitStack,
    ) -> None:
        self._folder, self._every, self._settings, self._documents = folder, every, settings, documents
        self._ended = ended
        self._checkpoints: Checkpoints | None = None
        self._signals = Signals()

    def latest(self, shapes: Mapping[str, str]) -> tuple[Tensors, Mapping[str, Any]] | None:
        fingerprint = Fingerprint(dict(self._settings), _digest(self._documents), dict(shapes))
        self._checkpoints = Checkpoints(self._folder, 1, fingerprint)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._checkpoints.clean()
        self._ended.enter_context(self._signals)
        found = self._checkpoints.latest()
        return None if found is None else (found.tensors, found.state)

    def after_step(self, step: int, last: bool, place: Callable[[], tuple[Tensors, Mapping[str, Any]]]) -> None:
        assert self._checkpoints is not None
        stopped = self._signals.received
        if last or stopped is not None or step % self._every == 0:
            self._checkpoints.save(step, *place())
        if stopped is not None:
            name = "Ctrl-C" if stopped.name == "SIGINT" else stopped.name
            raise TrainingInterruptedError(
                f"Fine-tuning was stopped by {name} after step {step}; it is saved in {self._folder}. "
                "Give the same command again to go on."
            )


def _digest(documents: Sequence[Document]) -> str:
    sha = hashlib.sha256()
    for document in documents:
        for part in (document.id, document.joined().text, " ".join(map(str, document.codes))):
            sha.update(f"{len(part)} ".encode())
            sha.update(part.encode("utf-8", "surrogatepass"))
    return sha.hexdigest()
