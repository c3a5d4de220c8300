from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from icdcoder.nn.sequence_parts import cut_out, joined

ROWS = st.lists(st.lists(st.lists(st.integers(1, 50), max_size=4), min_size=3, max_size=3), min_size=1, max_size=4)


def part(rows: list[list[int]], fill: int) -> tuple[Tensor, Tensor]:
    width = max(1, *map(len, rows))
    tokens = torch.tensor([[*row, *[fill] * (width - len(row))] for row in rows])
    return tokens, torch.tensor([[i < len(row) for i in range(width)] for row in rows])


@given(ROWS, st.integers(-1, 7))
def test_parts_follow_each_other_without_a_gap(rows: list[list[list[int]]], fill: int) -> None:
    found = joined(0, *(part([row[k] for row in rows], fill) for k in range(3)))
    for tokens, mask, row in zip(found.tokens, found.mask, rows, strict=True):
        whole = [*row[0], *row[1], *row[2]]
        assert tokens[mask].tolist() == whole
        assert tokens.tolist() == whole + [0] * (len(tokens) - len(whole))
    assert found.starts[2].tolist() == [len(row[0]) + len(row[1]) for row in rows]
    assert found.tokens.shape[1] == max(sum(map(len, row)) for row in rows)


def test_a_part_of_one_row_serves_all() -> None:
    found = joined(0, part([[8, 9]], 0), part([[1], [], [2, 3]], 0))
    assert found.tokens.tolist() == [[8, 9, 1, 0], [8, 9, 0, 0], [8, 9, 2, 3]]


def test_states_are_cut_out_where_each_row_begins() -> None:
    states = torch.arange(10.0).view(2, 5, 1)
    assert cut_out(states, torch.tensor([1, 3]), 3)[..., 0].tolist() == [[1, 2, 3], [8, 9, 9]]
