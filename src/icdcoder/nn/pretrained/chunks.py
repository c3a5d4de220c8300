"""Long notes through an encoder of limited context: cut into chunks, and the states put back where they belong.

A chunk holds tokens of one note only. Outside this module chunking cannot be seen: tokens go in as "note token", states
come out as "note token hidden".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Chunks:
    """note: the note of each chunk, rising. place: the index in its note of what stands at each place of a chunk.
    mask: True where that is a real token; real tokens stand first. source: for each token of a note where its state is
    among all places of all chunks; 0 at padding. real: the mask of the notes, less what no chunk holds. per_note: how
    many chunks each note has.
    """

    note: Int[Tensor, "chunk"]
    place: Int[Tensor, "chunk place"]
    mask: Bool[Tensor, "chunk place"]
    source: Int[Tensor, "note token"]
    real: Bool[Tensor, "note token"]
    per_note: Int[Tensor, "note"]

    def __len__(self) -> int:
        return len(self.note)

    def gather(self, tokens: Int[Tensor, "note token"]) -> Int[Tensor, "chunk place"]:
        """What the notes hold, chunk by chunk; at padding, something of no meaning."""
        return tokens[self.note[:, None], self.place]

    def restore(self, states: Float[Tensor, "chunk place hidden"]) -> Float[Tensor, "note token hidden"]:
        """The state of each token from the one chunk that answers for it; zeros at padding."""
        if not len(self):
            return states.new_zeros(*self.real.shape, states.shape[2])
        return states.flatten(0, 1)[self.source].masked_fill(~self.real[..., None], 0.0)

    def laid_out(
        self, states: Float[Tensor, "chunk place hidden"]
    ) -> tuple[Float[Tensor, "note position hidden"], Bool[Tensor, "note position"]]:
        """All places of a note's chunks one behind the other, and the mask of them."""
        number, most = self._numbers()
        width = self.place.shape[1]
        laid = states.new_zeros(len(self.per_note), most, width, states.shape[2])
        mask = self.mask.new_zeros(len(self.per_note), most, width)
        laid = laid.index_put((self.note, number), states)
        return laid.flatten(1, 2), mask.index_put((self.note, number), self.mask).flatten(1)

    def of_tokens(self, attention: Float[Tensor, "note asked position"]) -> Float[Tensor, "note asked token"]:
        """What the tokens of a note got of attention to its places `laid_out`; the rest went to no token."""
        number, most = self._numbers()
        places = attention.transpose(1, 2).unflatten(1, (most, self.place.shape[1]))
        return self.restore(places[self.note, number]).transpose(1, 2)

    def _numbers(self) -> tuple[Int[Tensor, "chunk"], int]:
        """The number of each chunk within its note, and the most chunks that a note has, at least 1."""
        first = self.per_note.cumsum(0) - self.per_note
        number = torch.arange(len(self.note), device=self.note.device) - first[self.note]
        return number, int(self.per_note.max().clamp(min=1))


@dataclass(frozen=True, slots=True)
class Places:
    """What is attended to: one place a token, or all places of the chunks of each note."""

    states: Float[Tensor, "note position hidden"]
    mask: Bool[Tensor, "note position"]
    chunks: Chunks | None = None

    def of_tokens(
        self, attention: Float[Tensor, "note asked position"] | None
    ) -> Float[Tensor, "note asked token"] | None:
        """What the tokens of a note got of attention to the places; what special tokens and padding got is left out."""
        return attention if attention is None or self.chunks is None else self.chunks.of_tokens(attention)


def cut(
    mask: Bool[Tensor, "note token"],
    size: int | None = None,
    overlap: int = 0,
    *,
    least: int = 0,
    full: bool = False,
    alike: bool = False,
) -> Chunks:
    """Cuts each note into chunks of `size` tokens, each beginning `size − overlap` after the one before it.

    The last chunk of a note ends with the note and may be shorter. A note without tokens has no chunk. In an overlap,
    the first half answers to the earlier chunk and the second half to the later, so that no token is read at the edge
    of a chunk where it can be helped. Where chunks begin depends on nothing but the note. size: None cuts nothing.
    The mask is that of notes padded on the right. least: so many chunks at least of each note, the last ones empty.
    full: `size` places a chunk, even where no note fills one. alike: all notes have as many chunks.
    Raises ValueError unless 0 ≤ overlap < size.
    """
    lengths = mask.sum(1)
    longest = max(1, int(lengths.max())) if len(lengths) else 1
    size = longest if size is None else size
    if not 0 <= overlap < size:
        raise ValueError(f"chunks of {size} tokens cannot overlap by {overlap}")
    stride, width = size - overlap, size if full else min(size, longest)
    later = (lengths - size).clamp(min=0)
    needed = torch.where(lengths > 0, 1 + (later + stride - 1) // stride, 0)
    per_note = needed.clamp(min=max(least, int(needed.max())) if alike and len(needed) else least)
    first = per_note.cumsum(0) - per_note
    note = torch.repeat_interleave(per_note)
    start = (torch.arange(len(note), device=mask.device) - first[note]) * stride
    place = start[:, None] + torch.arange(width, device=mask.device)
    inside = place < lengths[note, None]
    token = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    last = (needed - 1).clamp(min=0)[:, None]
    number = torch.minimum(((token - overlap // 2) // stride).clamp(min=0), last)
    source = (first[:, None] + number) * width + token - number * stride
    return Chunks(note, place * inside, inside, source * mask, mask, per_note)


def grouped(group: Int[Tensor, "note token"], groups: int, size: int, *, full: bool = False) -> Chunks:
    """A chunk for each group of tokens that a note has, from 1 to `groups`: its first `size` tokens, in order. Tokens
    of group 0, and those beyond, are in no chunk. full: every note has all chunks, those of absent groups empty."""
    notes = len(group)
    inside = group[:, None] == torch.arange(1, groups + 1, device=group.device)[:, None]
    rank = inside.cumsum(2) - 1
    inside = inside & (rank < size)
    note, number, token = inside.nonzero(as_tuple=True)
    kept = torch.ones(notes, groups, dtype=torch.bool, device=group.device) if full else inside.any(2)
    chunk = (kept.flatten().cumsum(0) - 1)[note * groups + number]
    at = rank[note, number, token]
    place = group.new_zeros(int(kept.sum()), size).index_put((chunk, at), token)
    mask = torch.zeros_like(place, dtype=torch.bool).index_put((chunk, at), torch.ones_like(at, dtype=torch.bool))
    source = torch.zeros_like(group).index_put((note, token), chunk * size + at)
    return Chunks(kept.nonzero()[:, 0], place, mask, source, inside.any(1), kept.sum(1))
