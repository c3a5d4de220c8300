"""States of a frozen model on disk, so that they are computed once and not in each epoch.

    FOLDER/<key>/card.json                    what made the states: model, layers, positions, type
    FOLDER/<key>/shard-….safetensors          keys "note 16", starts "note + 1", states "token layer hidden"
                                              and, of int8, scales "token layer"

A shard is written whole and then renamed: what a killed run has finished is there for the next. Shards are mapped from
disk, and a note's states are read when they are asked for. A note is found by the hash of its tokens, so that nothing
of its text is in the cache but what its states tell of it: keep it where the notes may be kept.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from icdcoder.core.artefact import load_card, save_card
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.core.progress import SILENT, Progress

Type = Literal["float32", "bfloat16", "int8"]
Ids = npt.NDArray[np.integer[Any]]
# Of notes of unlike length, side by side.
Uneven = Float[Tensor, "_token layer hidden"]
BYTES = {"float32": 4, "bfloat16": 2, "int8": 1}
SCALE_BYTES = 4
SHARD_BYTES = 256 << 20
CARD = "card.json"
WHAT = "a cache of frozen states"


@dataclass(frozen=True, slots=True)
class _Place:
    """Rows `start` to `end` of the states of one shard."""

    shard: Any
    start: int
    end: int


@dataclass(slots=True)
class StateCache:
    """layers: how many layers' states are kept of each token. kept_as: bfloat16 keeps 8 bits of each number's fraction;
    int8 keeps 7 bits of it in units of the largest of the token's states in that layer (Dettmers et al. 2022,
    arXiv 2208.07339, section 2.1), which loses most where one number is far larger than the others."""

    folder: Path
    layers: int
    hidden: int
    kept_as: Type
    _places: dict[bytes, _Place] = field(default_factory=dict)

    @classmethod
    def open(
        cls, root: Path, key: str, *, layers: int, hidden: int, kept_as: Type, made_by: dict[str, Any]
    ) -> StateCache:
        """The cache of one model and one way of reading, in a folder of its own below `root`, made where there is none.

        Raises ArtefactError where a shard is damaged, naming it, or the folder cannot be written.
        """
        folder = root / key
        card = {"layers": layers, "hidden": hidden, "type": kept_as, "made by": made_by}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArtefactError(f"{folder} cannot be written: {error.strerror}.") from None
        if (folder / CARD).is_file():
            found = load_card(folder / CARD, WHAT, ["layers", "hidden", "type"])
            if any(found[name] != card[name] for name in ("layers", "hidden", "type")):
                raise ArtefactError(f"{folder} holds states of another form than its name says; delete it.")
        else:
            save_card(folder / CARD, card)
        cache = cls(folder, layers, hidden, kept_as)
        for path in sorted(folder.glob("shard-*.safetensors")):
            cache._add(path)
        return cache

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, tokens: Ids) -> bool:
        return note_key(tokens) in self._places

    def read(self, tokens: Ids) -> Float[Tensor, "token layer hidden"]:
        """The states of a note that the cache holds."""
        place = self._places[note_key(tokens)]
        states = place.shard.get_slice("states")[place.start : place.end].float()
        if self.kept_as == "int8":
            states *= place.shard.get_slice("scales")[place.start : place.end][..., None]
        return states

    def bytes_for(self, tokens: int) -> int:
        """What the states of so many tokens take on disk."""
        scales = SCALE_BYTES if self.kept_as == "int8" else 0
        return tokens * self.layers * (self.hidden * BYTES[self.kept_as] + scales)

    def write(self, notes: Sequence[tuple[Ids, Uneven]]) -> None:
        """One shard of these notes. Raises ArtefactError where it cannot be written."""
        keys = [note_key(tokens) for tokens, _ in notes]
        states = torch.cat([states for _, states in notes])
        tensors = {
            "keys": torch.frombuffer(bytearray(b"".join(keys)), dtype=torch.uint8).view(len(keys), -1),
            "starts": torch.tensor([0, *np.cumsum([len(states) for _, states in notes]).tolist()]),
            **_packed(states, self.kept_as),
        }
        path = self.folder / f"shard-{hashlib.sha256(b''.join(keys)).hexdigest()[:16]}.safetensors"
        work = path.with_suffix(".part")
        try:
            save_file(tensors, work)
            work.replace(path)
        except (OSError, SafetensorError) as error:
            work.unlink(missing_ok=True)
            raise ArtefactError(f"{path} could not be written: {error}.") from None
        self._add(path)

    def fill(
        self,
        notes: Iterable[Ids],
        compute: Callable[[list[Ids]], list[Uneven]],
        *,
        together: int,
        reserve: int,
        progress: Progress = SILENT,
    ) -> int:
        """Computes and keeps what is missing; returns how many notes that were. Long notes come first.

        together: tokens that are computed at once, padding included, or one note if that is longer. reserve: bytes that
        must stay free on the disk. Raises ConfigError, before anything is computed, where they would not, and says how
        much is needed.
        """
        missing = list({note_key(note): note for note in notes if len(note) and note not in self}.values())
        missing.sort(key=len, reverse=True)
        needed = self.bytes_for(sum(len(note) for note in missing))
        self._require_room(needed, len(missing), reserve)
        waiting: list[tuple[Ids, Tensor]] = []
        with progress.track(f"frozen states of {len(missing)} notes, {_size(needed)} on disk", len(missing)) as step:
            for batch in _batches(missing, together):
                waiting += zip(batch, compute(batch), strict=True)
                if self.bytes_for(sum(len(note) for note, _ in waiting)) >= SHARD_BYTES:
                    self.write(waiting)
                    waiting = []
                step(len(batch))
            if waiting:
                self.write(waiting)
        return len(missing)

    def _require_room(self, needed: int, notes: int, reserve: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if needed and free - needed < reserve:
            raise ConfigError(
                f"The frozen states of {notes} notes take {_size(needed)} as {self.kept_as}; {self.folder} has "
                f"{_size(free)} free, of which {_size(reserve)} are kept. Choose a smaller type (model.cache_type = "
                "'int8'), one layer instead of a mix, fewer tokens (text.max_tokens), another disk (model.cache) or "
                "no cache."
            )

    def _add(self, path: Path) -> None:
        try:
            shard = safe_open(path, framework="pt")
            keys, starts = shard.get_tensor("keys").numpy(), shard.get_tensor("starts").tolist()
            rows, layers, hidden = shard.get_slice("states").get_shape()
        except (SafetensorError, OSError, ValueError):
            raise ArtefactError(f"{path} is damaged; delete it, and its states are computed anew.") from None
        if (layers, hidden) != (self.layers, self.hidden) or starts[-1] != rows:
            raise ArtefactError(f"{path} holds states of another form than {CARD} says; delete it.")
        for key, start, end in zip(keys, starts, starts[1:], strict=False):
            self._places[key.tobytes()] = _Place(shard, start, end)


def note_key(tokens: Ids) -> bytes:
    """A hash of the tokens of a note, 16 bytes."""
    return hashlib.blake2b(np.ascontiguousarray(tokens, dtype=np.int64).tobytes(), digest_size=16).digest()


def _packed(states: Float[Tensor, "token layer hidden"], kept_as: Type) -> dict[str, Tensor]:
    if kept_as != "int8":
        return {"states": states.to(getattr(torch, kept_as)).contiguous()}
    scales = states.abs().amax(-1).clamp(min=torch.finfo(torch.float32).tiny) / 127
    return {"states": (states / scales[..., None]).round().to(torch.int8), "scales": scales}


def _batches(notes: Sequence[Ids], together: int) -> Iterator[list[Ids]]:
    """Of notes that come long ones first."""
    start = 0
    while start < len(notes):
        end = start + max(1, together // len(notes[start]))
        yield list(notes[start:end])
        start = end


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
