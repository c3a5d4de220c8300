"""Pieces of "token code" of one note that fit in a processor's cache, and memory to compute them in."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

# Elements of a tile: about what two cores hold in their caches; on an accelerator, what keeps it busy.
CPU_TILE = 1_280_000
ACCELERATOR_TILE = 32_000_000
# Rows of a tile of the backward pass, which need not see a whole note at once.
CPU_ROWS = 840


class Room:
    """Memory for one product after another; fresh memory would cost a page fault every 4 kB, again for each tile."""

    def __init__(self, like: Tensor, rows: int, columns: int) -> None:
        self.memory = like.new_empty(rows * columns)

    def product(self, left: Float[Tensor, "row inner"], right: Float[Tensor, "inner column"]) -> Tensor:
        """left @ right, valid until the next product; no larger than the room."""
        rows, columns = len(left), right.shape[1]
        return torch.mm(left, right, out=self.memory[: rows * columns].view(rows, columns))


def code_tiles(tokens: int, codes: int, device: torch.device) -> list[slice]:
    """Ranges of codes; each but the last is a multiple of 32 long, which suits vector registers."""
    elements = CPU_TILE if device.type == "cpu" else ACCELERATOR_TILE
    size = max(32, elements // tokens // 32 * 32)
    return [slice(start, min(codes, start + size)) for start in range(0, codes, size)]


def token_blocks(tokens: int, device: torch.device) -> list[slice]:
    """Ranges of tokens of nearly equal length."""
    count = -(-tokens // CPU_ROWS) if device.type == "cpu" else 1
    size = -(-tokens // count)
    return [slice(start, min(tokens, start + size)) for start in range(0, tokens, size)]


def with_column(matrix: Float[Tensor, "row column"], last: Float[Tensor, "row 1"]) -> Float[Tensor, "row column+1"]:
    return torch.cat([matrix, last], 1)


def with_ones(matrix: Float[Tensor, "row column"]) -> Float[Tensor, "row column+1"]:
    return with_column(matrix, matrix.new_ones(len(matrix), 1))
