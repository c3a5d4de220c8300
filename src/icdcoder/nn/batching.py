"""Notes as arrays of token indices, and batches of notes of like length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from icdcoder.nn.contract import PAD, Batch


@dataclass(frozen=True, slots=True)
class TokenisedNotes:
    """Notes ready for a network.

    tokens: one int array a note, not padded, none longer than the model's budget. gold: for each note the indices
    of its codes in the label space; None for notes without gold. codes: the size of the label space. channels: by
    name, for each note one whole number a token (see Batch).
    """

    tokens: Sequence[npt.NDArray[np.int32]]
    codes: int
    gold: Sequence[npt.NDArray[np.int32]] | None = None
    channels: Mapping[str, Sequence[npt.NDArray[np.int32]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        return np.fromiter((len(t) for t in self.tokens), dtype=np.int64, count=len(self.tokens))

    def batch(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> Batch:
        """The notes at `indices`, padded to the longest of them (to one token at least)."""
        rows = [self.tokens[i] for i in indices]
        width = max(1, *(len(row) for row in rows))
        tokens = np.full((len(rows), width), PAD, dtype=np.int64)
        mask = np.zeros((len(rows), width), dtype=np.bool_)
        for i, row in enumerate(rows):
            tokens[i, : len(row)] = row
            mask[i, : len(row)] = True
        targets = None
        if self.gold is not None:
            targets = torch.zeros(len(rows), self.codes)
            for i, index in enumerate(indices):
                targets[i, torch.from_numpy(self.gold[index].astype(np.int64))] = 1.0
        channels = {}
        for name, values in self.channels.items():
            channel = np.zeros((len(indices), width), dtype=np.int64)
            for i, index in enumerate(indices):
                channel[i, : len(values[index])] = values[index]
            channels[name] = torch.from_numpy(channel)
        return Batch(torch.from_numpy(tokens), torch.from_numpy(mask), targets, channels)


def training_batches(
    lengths: npt.NDArray[np.int64], batch_size: int, *, seed: int, epoch: int, pool: int = 50
) -> list[npt.NDArray[np.int64]]:
    """Indices of each batch of one epoch, the same for the same (seed, epoch), so that a resumed run repeats it.

    Notes are shuffled, cut into pools of `pool` batches, sorted by length within a pool, cut into batches; the
    batches are shuffled. Each note occurs once. Little padding is left, and batches differ from epoch to epoch.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), batch_size * pool):
        part = order[start : start + batch_size * pool]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += [part[i : i + batch_size] for i in range(0, len(part), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def scoring_batches(lengths: npt.NDArray[np.int64], batch_size: int) -> Iterator[npt.NDArray[np.int64]]:
    """Indices of each batch for scoring: longest notes first, so that a lack of memory shows at once."""
    order = np.argsort(-lengths, kind="stable")
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
