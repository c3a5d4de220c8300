"""Checkpoints: all that a run needs to go on exactly where it was, in safetensors and JSON.

One folder a checkpoint, `step-00000120/`, written under a hidden name, forced to the disk and then renamed: a reader
sees all of it or nothing. `state.json` lists the size and sha256 of the other files, and carries its own digest.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from icdcoder.core.artefact import load_card, manifest, verify
from icdcoder.core.cache import atomic_folder
from icdcoder.core.errors import ArtefactError
from icdcoder.train.fingerprint import Fingerprint, digest

logger = logging.getLogger(__name__)

PREFIX = "step-"
STATE = "state.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """tensors: by file, then by name. state: plain data."""

    step: int
    tensors: dict[str, dict[str, Tensor]]
    state: dict[str, Any]


class Checkpoints:
    """The checkpoints of one run, of which the last `keep` are kept."""

    def __init__(self, folder: Path, keep: int, fingerprint: Fingerprint) -> None:
        self.folder = folder
        self.keep = keep
        self.fingerprint = fingerprint

    def save(self, step: int, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> None:
        """Writes the checkpoint of a step and then drops those that are too old.

        Raises ArtefactError where it cannot be written; the earlier checkpoints are untouched then.
        """
        target = self.folder / f"{PREFIX}{step:08d}"
        try:
            with atomic_folder(target, replace=True) as work:
                files = [f"{name}.safetensors" for name in tensors]
                for name, group in tensors.items():
                    save_file(own_storage(group), work / f"{name}.safetensors")
                    _to_disk(work / f"{name}.safetensors")
                card = {
                    "step": step,
                    **self.fingerprint.to_json(),
                    "files": manifest(work, files),
                    "state": dict(state),
                }
                (work / STATE).write_text(json.dumps({**card, "digest": digest(card)}), encoding="utf-8")
                _to_disk(work / STATE)
                _to_disk(work)
            _to_disk(self.folder)
        except (OSError, SafetensorError) as error:
            older = self.steps()
            kept = f"The checkpoint of step {older[-1]} is whole" if older else "There is no earlier one"
            raise ArtefactError(
                f"The checkpoint of step {step} could not be written to {self.folder}: {_reason(error)}. {kept}; "
                "make room and give the same command again to go on."
            ) from None
        for old in self.steps()[: -self.keep]:
            self._drop(old)

    def steps(self) -> list[int]:
        """Steps of which there is a checkpoint, rising."""
        names = [path.name.removeprefix(PREFIX) for path in self.folder.glob(f"{PREFIX}*") if path.is_dir()]
        return sorted(int(name) for name in names if name.isdecimal())

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint that is whole; a damaged one is passed over with a warning. None where there is none.

        Raises ArtefactError where all are damaged, or where they were made with something else.
        """
        steps = self.steps()
        for step in reversed(steps):
            try:
                return self._load(step)
            except _DamagedError as damage:
                logger.warning("The checkpoint of step %d is not used: %s", step, damage)
        if steps:
            raise ArtefactError(f"No checkpoint in {self.folder} is whole. Begin anew (--fresh).")
        return None

    def clean(self) -> None:
        """Removes what a kill left half-written."""
        for path in self.folder.glob(f".{PREFIX}*"):
            shutil.rmtree(path, ignore_errors=True)

    def _load(self, step: int) -> Checkpoint:
        folder = self.folder / f"{PREFIX}{step:08d}"
        try:
            card = load_card(folder / STATE, "a checkpoint", ("files", "state", "digest"))
            said = card.pop("digest")
            if digest(card) != said:
                raise ArtefactError(f"{folder / STATE} is damaged: its digest does not fit.")
            verify(folder, card["files"])
            tensors = {Path(name).stem: load_file(folder / name) for name in card["files"]}
        except (ArtefactError, OSError, SafetensorError) as error:
            raise _DamagedError(str(error)) from None
        self.fingerprint.require(card, str(self.folder.parent))
        return Checkpoint(step, tensors, card["state"])

    def _drop(self, step: int) -> None:
        # Renamed first, so that a kill does not leave a checkpoint that looks damaged.
        folder = self.folder / f"{PREFIX}{step:08d}"
        hidden = self.folder / f".{folder.name}.old"
        with suppress(OSError):
            folder.rename(hidden)
            shutil.rmtree(hidden)


class _DamagedError(Exception):
    pass


def save_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Writes one safetensors file so that a kill leaves the old or the new one. Raises ArtefactError."""
    work = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        work = Path(name)
        save_file(own_storage(weights), work)
        work.chmod(0o644)
        _to_disk(work)
        work.replace(path)
        _to_disk(path.parent)
    except (OSError, SafetensorError) as error:
        if work is not None:
            work.unlink(missing_ok=True)
        raise ArtefactError(f"{path} could not be written: {_reason(error)}.") from None


def own_storage(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on the CPU, each with memory of its own, as safetensors wants it: tied weights are written twice."""
    seen: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        storage = plain.untyped_storage()
        if storage.data_ptr() in seen or storage.nbytes() != plain.nbytes:
            plain = plain.clone()
        seen.add(plain.untyped_storage().data_ptr())
        result[name] = plain
    return result


def _to_disk(path: Path) -> None:
    if path.is_dir() and os.name == "nt":  # Windows cannot force a folder to the disk
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rpartition("I/O error: ")[2].partition(" (os error")[0]  # as safetensors words it
