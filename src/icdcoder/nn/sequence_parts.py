"""Sequences of several parts, one behind the other without a gap, whatever the length of each part in each row."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Joined:
    """Rows padded on the right. starts: for each part, where it begins in each row."""

    tokens: Int[Tensor, "row place"]
    mask: Bool[Tensor, "row place"]
    starts: tuple[Int[Tensor, "row"], ...]


def joined(pad: int, *parts: tuple[Int[Tensor, "_ _"], Bool[Tensor, "_ _"]]) -> Joined:
    """parts: (tokens, mask), each padded on the right; a part that is the same for all rows may have one row only."""
    rows = max(len(tokens) for tokens, _ in parts)
    parts = tuple((tokens.expand(rows, -1), mask.expand(rows, -1)) for tokens, mask in parts)
    counts = torch.stack([mask.sum(1) for _, mask in parts])
    ends = counts.cumsum(0)
    starts = ends - counts
    width = int(ends[-1].max())
    device = counts.device
    # What is padding in a part falls into one column too many.
    tokens = torch.full((rows, width + 1), pad, dtype=torch.long, device=device)
    for (part, mask), start in zip(parts, starts, strict=True):
        place = start[:, None] + torch.arange(part.shape[1], device=device)
        tokens.scatter_(1, place.masked_fill(~mask, width), part.long())
    filled = torch.arange(width, device=device) < ends[-1][:, None]
    return Joined(tokens[:, :width], filled, tuple(starts))


def cut_out(
    states: Float[Tensor, "row place hidden"], start: Int[Tensor, "row"], width: int
) -> Float[Tensor, "row width hidden"]:
    """`width` states of each row from its start on; past the end of the sequence, the last state again."""
    place = (start[:, None] + torch.arange(width, device=states.device)).clamp(0, states.shape[1] - 1)
    return states.gather(1, place[..., None].expand(-1, -1, states.shape[2]))
