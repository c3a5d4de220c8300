from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.knowledge import hierarchy

CODES = [Code("icd9cm", value) for value in ("401.9", "401.1", "V45.81", "486", "038.9")] + [
    Code("icd9pcs", value) for value in ("38.93", "38.91", "96.04")
]


def test_each_code_hangs_below_its_category_block_and_chapter() -> None:
    levels = hierarchy.chain(CODES)
    assert [level.kind for level in levels] == ["chapter", "block", "category", "code"]
    table = systems.load("icd9cm")
    for number, code in enumerate(CODES[:5]):
        category = levels[2].names[hierarchy.ancestor_of_codes(levels, "category")[number]]
        block = levels[1].names[hierarchy.ancestor_of_codes(levels, "block")[number]]
        chapter = levels[0].names[hierarchy.ancestor_of_codes(levels, "chapter")[number]]
        assert category == str(table.category(code))
        assert chapter == f"icd9cm chapter {table.chapter(code).id}"
        heading = table.block(code)
        assert block == (chapter if heading is None else f"icd9cm block {heading.id}")


def test_nodes_are_shared_and_only_those_with_a_code_are_there() -> None:
    levels = hierarchy.chain(CODES)
    categories = hierarchy.ancestor_of_codes(levels, "category")
    assert categories[0] == categories[1] != categories[2]
    assert set(categories) == set(range(len(levels[2].names)))
    assert levels[3].names == tuple(map(str, CODES))
    for above, level in pairwise(levels):
        assert set(level.parents) == set(range(len(above.names)))


def test_a_classification_without_blocks_has_its_chapters_as_blocks() -> None:
    levels = hierarchy.chain([Code("icd9pcs", "38.93")])
    assert levels[1].names == levels[0].names


def test_codes_that_no_edition_holds_have_a_place() -> None:
    levels = hierarchy.chain([Code("icd9pcs", "40.7"), Code("icd9cm", "ZZZ.1"), Code("icd9cm", "401.99")])
    assert levels[2].names == ("icd9pcs:40", "icd9cm:ZZZ", "icd9cm:401")
    assert levels[0].names[1] == "icd9cm unknown"
    assert "unknown" not in levels[0].names[2]


def test_edges_make_one_tree() -> None:
    edges = hierarchy.edges(hierarchy.chain(CODES))
    below = [child for child, _ in edges]
    assert len(set(below)) == len(below)
    parents = dict(edges)
    for name in below:
        steps = 0
        while name:
            name, steps = parents[name], steps + 1
            assert steps < 6
    assert ("icd9cm:486", "icd9cm block 480-488") in edges  # category and code at once
    assert set(map(str, CODES)) <= set(below)


def test_an_empty_space_and_a_level_that_is_not_there() -> None:
    levels = hierarchy.chain([])
    assert all(not len(level.names) for level in levels)
    assert hierarchy.edges(levels) == []
    with pytest.raises(ValueError, match="organ"):
        hierarchy.ancestor_of_codes(levels, "organ")
    assert np.array_equal(hierarchy.ancestor_of_codes(levels, "code"), np.arange(0))


def test_another_tree_takes_the_place_of_the_editions(tmp_path: Path) -> None:
    file = tmp_path / "tree.tsv"
    file.write_text("# mine\nicd9cm:401.9\theart\tpressure\thigh\n\nicd9cm:486\tlung\tinfection\tpneumonia\n")
    levels = hierarchy.chain(CODES, file)
    categories = hierarchy.ancestor_of_codes(levels, "category")
    assert levels[2].names[categories[0]] == "high"
    assert levels[2].names[categories[1]] == "icd9cm:401"  # not in the file: as the edition has it
    chapters = hierarchy.ancestor_of_codes(levels, "chapter")
    assert [levels[0].names[chapters[number]] for number in (0, 3)] == ["heart", "lung"]
    assert ("pressure", "heart") in hierarchy.edges(levels)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("icd9cm:401.9\theart\tpressure", "line 1: it should be a code, a chapter, a block and a category"),
        ("icd9cm:401.9\th\tp\tc\nicd9cm:401.1\tx\tp\td", "line 2: the block 'p' is below 'x', and below 'h' on line 1"),
        ("hypertension\th\tp\tc", "line 1: "),
        ("icd9cm:999\th\tp\tc", "has a place for none of the 8 codes, such as icd9cm:401.9"),
        ("icd9cm:401.9\tm\tn\ticd9cm:401", "put 'icd9cm:401' below different nodes"),
    ],
)
def test_a_bad_tree_is_answered(text: str, hint: str, tmp_path: Path) -> None:
    file = tmp_path / "tree.tsv"
    file.write_text(text)
    with pytest.raises(InputError, match=re.escape(hint)):
        hierarchy.chain(CODES, file)
