"""The states that a model takes from a frozen encoder: computed, or read from a cache where it holds them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from icdcoder.core.progress import SILENT, Progress
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import PAD
from icdcoder.nn.pretrained.state_cache import Ids, StateCache, Type, Uneven
from icdcoder.nn.pretrained.token_encoder import TokenEncoder


@runtime_checkable
class ComputesBeforeTraining(Protocol):
    """A model that computes once what training would compute in each epoch, for all notes that training will see."""

    def before_training(self, notes: Sequence[TokenisedNotes], progress: Progress = SILENT) -> None: ...


class FrozenStates:
    """layer: whose states, as in llm_multirescnn; "mix": those of all layers. folder: of the cache; None: without one.

    With a float32 cache the states are those that were computed, bit for bit; how they were batched when they were
    computed can be seen in their last bits, as it can without a cache.
    """

    def __init__(
        self, encoder: TokenEncoder, layer: int | Literal["mix"], folder: Path | None = None, kept_as: Type = "bfloat16"
    ) -> None:
        self.encoder = encoder
        self.layer = layer
        self.folder = folder
        self.kept_as: Type = kept_as
        self._cache: StateCache | None = None

    def __call__(
        self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"]
    ) -> list[Float[Tensor, "note token hidden"]]:
        """One item a layer; zeros at padding. Notes that the cache does not hold are computed."""
        if self.folder is None:
            return self._computed(tokens, mask)
        rows = [row[real].numpy() for row, real in zip(tokens.cpu(), mask.cpu(), strict=True)]
        held = [len(row) > 0 and row in self.cache for row in rows]
        if not any(held):
            return self._computed(tokens, mask)
        found = torch.zeros(*tokens.shape, self.cache.layers, self.encoder.hidden)
        for i, row in enumerate(rows):
            if held[i]:
                found[i, : len(row)] = self.cache.read(row)
        found = found.to(tokens.device)
        others = [i for i, there in enumerate(held) if not there]
        if others:
            found[others] = torch.stack(self._computed(tokens[others], mask[others]), 2)
        return list(found.unbind(2))

    @property
    def cache(self) -> StateCache:
        if self._cache is None:
            assert self.folder is not None
            made_by = {**self.encoder.architecture, **self._positions()}
            key = hashlib.sha256(json.dumps([made_by, self.kept_as, self._digest()], sort_keys=True).encode())
            layers = self.encoder.layers + 1 if self.layer == "mix" else 1
            self._cache = StateCache.open(
                self.folder,
                key.hexdigest()[:20],
                layers=layers,
                hidden=self.encoder.hidden,
                kept_as=self.kept_as,
                made_by=made_by,
            )
        return self._cache

    def fill(self, notes: Iterable[Ids], *, together: int, reserve: int, progress: Progress = SILENT) -> int:
        """Computes what the cache lacks, on the accelerator where there is one; see StateCache.fill."""
        if torch.accelerator.is_available():
            self.encoder.to(torch.accelerator.current_accelerator())
        return self.cache.fill(notes, self._of_notes, together=together, reserve=reserve, progress=progress)

    @torch.inference_mode()
    def _of_notes(self, notes: list[Ids]) -> list[Uneven]:
        tokens = torch.full((len(notes), max(len(note) for note in notes)), PAD)
        lengths = torch.tensor([len(note) for note in notes])
        for i, note in enumerate(notes):
            tokens[i, : len(note)] = torch.from_numpy(note.astype("int64"))
        device = next(self.encoder.parameters()).device
        mask = (torch.arange(tokens.shape[1]) < lengths[:, None]).to(device)
        states = torch.stack(self._computed(tokens.to(device), mask), 2).cpu()
        return [row[:length] for row, length in zip(states, lengths.tolist(), strict=True)]

    def _computed(
        self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"]
    ) -> list[Float[Tensor, "note token hidden"]]:
        if isinstance(self.layer, int):
            return [self.encoder.layer(tokens, mask, self.layer)]
        return self.encoder.every_layer(tokens, mask)

    def _positions(self) -> dict[str, object]:
        """What else than weights and tokens the states depend on."""
        chunking = self.encoder.chunking
        last = self.layer == self.encoder.layers
        return {
            "layer": -1 if last else self.layer,
            "chunk": chunking.size,
            "overlap": chunking.overlap,
            "around": chunking.around,
            "bidirectional": self.encoder.bidirectional,
        }

    def _digest(self) -> str:
        """Of the weights themselves, as a checkpoint's folder can get other ones."""
        sha = hashlib.sha256()
        for name, weight in sorted(self.encoder.model.state_dict().items()):
            sha.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
            sha.update(weight.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
        return sha.hexdigest()
