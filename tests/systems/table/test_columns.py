from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.systems.table.columns import Columns, Entry, HeadingRow, compile_columns
from icdcoder.systems.table.contract import Heading

HEADINGS = (HeadingRow(Heading("1", "One", "A", "Z")),)


def columns(depths: list[int]) -> Columns:
    return compile_columns(HEADINGS, [Entry(f"C{i}", f"title {i}", depth, 0, True) for i, depth in enumerate(depths)])


@st.composite
def walks(draw: st.DrawFn) -> list[int]:
    """Depths of a forest in preorder: at most one deeper than the row before."""
    depths = [0]
    for _ in range(draw(st.integers(0, 30))):
        depths.append(draw(st.integers(0, depths[-1] + 1)))
    return depths


@given(walks())
def test_children_are_the_rows_whose_parent_it_is(depths: list[int]) -> None:
    table = columns(depths)
    for row in range(len(depths)):
        assert list(table.children(row)) == [i for i in range(len(depths)) if table.parent[i] == row]


@given(walks())
def test_ancestors_count_the_depth_and_hold_the_row(depths: list[int]) -> None:
    table = columns(depths)
    for row, depth in enumerate(depths):
        above = list(table.above(row))
        assert len(above) == depth
        assert all(ancestor < row < table.end[ancestor] for ancestor in above)
        assert all(row in table.above(below) for below in range(row + 1, table.end[row]))


def test_a_depth_may_not_jump() -> None:
    with pytest.raises(ValueError, match="nothing stands above"):
        columns([0, 2])


def test_a_code_may_not_stand_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        compile_columns(HEADINGS, [Entry("A", "a", 0, 0, True), Entry("A", "b", 0, 0, True)])


def test_line_ends_in_titles_and_notes_become_spaces() -> None:
    table = compile_columns(HEADINGS, [Entry("A", "two\n lines ", 0, 0, True, {"includes": ["x\ty"], "excludes1": []})])
    assert table.descriptions == ["two lines"]
    assert table.notes == {"includes": {"0": ["x y"]}}
