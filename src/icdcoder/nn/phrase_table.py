"""Finding known phrases in notes that are numbers already: exact, on any device, without the words themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from icdcoder.nn.contract import PAD, UNKNOWN
from icdcoder.nn.knowledge_tables import sized_by_state

FACTOR = 6_364_136_223_846_793_005  # odd and large; products wrap around at 2⁶⁴
SALT = 1_442_695_040_888_963_407


class Found(NamedTuple):
    """The entities of each note, each once, in the order of their first mention: number, and where that mention is.

    entity: −1 where a note has fewer.
    """

    entity: Int[Tensor, "note slot"]
    start: Int[Tensor, "note slot"]
    length: Int[Tensor, "note slot"]


class PhraseTable(nn.Module):
    """phrases: {token numbers: entity, numbered from 0}. A phrase is looked up by a sum over its numbers, and compared
    number by number; of phrases that begin at the same token the longest counts, and none within a longer one."""

    def __init__(self, phrases: Mapping[tuple[int, ...], int]) -> None:
        super().__init__()
        width = max(map(len, phrases), default=1)
        rows = torch.tensor([[*phrase, *[PAD] * (width - len(phrase))] for phrase in phrases], dtype=torch.long)
        rows = rows.reshape(-1, width)
        keys = _keys(rows, (rows != PAD).sum(1))
        order = keys.argsort()
        self.keys: Tensor
        self.rows: Tensor
        self.entities: Tensor
        self.register_buffer("keys", keys[order])
        self.register_buffer("rows", rows[order])
        self.register_buffer("entities", torch.tensor(list(phrases.values()), dtype=torch.long)[order])
        sized_by_state(self, "keys", "rows", "entities")

    def forward(self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"], slots: int) -> Found:
        """At most `slots` entities of each note."""
        notes, count = tokens.shape
        nothing = tokens.new_full((notes, slots), -1)
        if not len(self.keys):
            return Found(nothing, nothing, torch.zeros_like(nothing))
        entity, length = self._mentions(tokens, mask)
        end = torch.where(length > 0, torch.arange(count, device=tokens.device) + length, 0)
        reached = end.cummax(1).values
        inside = end[:, 1:] <= reached[:, :-1]
        length[:, 1:] = length[:, 1:].masked_fill(inside, 0)
        return self._first(entity, length, slots)

    def _mentions(
        self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"]
    ) -> tuple[Int[Tensor, "note token"], Int[Tensor, "note token"]]:
        """(entity, length) of the longest phrase that begins at each token; length 0 where none does."""
        count, width = tokens.shape[1], self.rows.shape[1]
        shown = tokens.masked_fill(~mask, PAD)
        windows = nn.functional.pad(shown, (0, width - 1), value=PAD).unfold(1, width, 1)
        entity, length = torch.zeros_like(tokens), torch.zeros_like(tokens)
        places = torch.arange(width, device=tokens.device)
        for size in range(1, min(width, count) + 1):
            window = windows.masked_fill(places >= size, PAD)
            keys = _keys(window, torch.full_like(tokens, size))
            row = torch.searchsorted(self.keys, keys.contiguous()).clamp(max=len(self.keys) - 1)
            same = (self.rows[row] == window).all(2) & (window[:, :, size - 1] != PAD)
            entity, length = torch.where(same, self.entities[row], entity), length.masked_fill(same, size)
        return entity, length

    def _first(self, entity: Int[Tensor, "note token"], length: Int[Tensor, "note token"], slots: int) -> Found:
        notes, count = entity.shape
        known = int(self.entities.max()) + 1
        at = torch.arange(count, device=entity.device).expand(notes, -1)
        first = entity.new_full((notes, known + 1), count)
        first.scatter_reduce_(1, entity.masked_fill(length == 0, known), at, "amin")
        start, found = first[:, :known].topk(min(slots, known), largest=False)
        start, found = (nn.functional.pad(x, (0, slots - x.shape[1]), value=count) for x in (start, found))
        missing = start >= count
        start = start.masked_fill(missing, 0)
        return Found(found.masked_fill(missing, -1), start, length.gather(1, start).masked_fill(missing, 0))


def known_phrases(
    texts: Mapping[str, int], encode: Callable[[str], npt.NDArray[np.int32]]
) -> dict[tuple[int, ...], int]:
    """{token numbers: entity} of the texts whose words the vocabulary all holds; of two that are the same in numbers,
    the first stays."""
    found: dict[tuple[int, ...], int] = {}
    for text, entity in texts.items():
        phrase = tuple(encode(text).tolist())
        if phrase and UNKNOWN not in phrase:
            found.setdefault(phrase, entity)
    return found


def _keys(rows: Int[Tensor, "*place width"], length: Int[Tensor, "*place"]) -> Int[Tensor, "*place"]:
    found = length * SALT
    for column in rows.unbind(-1):
        found = found * FACTOR + column
    return found
