"""The expressions that icdcoder brings: every line is usable and none can be read in two ways."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge import expressions


@pytest.mark.parametrize("path", expressions.files(), ids=lambda path: path.stem)
def test_every_line_of_a_file_is_well_formed_and_its_codes_exist(path: Path) -> None:
    assert expressions.read(path)


def test_every_code_is_billable() -> None:
    codes = {code for group in expressions.load_groups() for code in group.codes}
    assert sorted(str(code) for code in codes if not systems.load(code.system).is_billable(code)) == []


def test_our_codes_are_written_in_their_canonical_spelling() -> None:
    raw = [code for group in expressions._own() for code in group.codes]
    assert [str(code) for code in raw if code != systems.load(code.system).spell(code.value)] == []


def test_no_expression_stands_for_two_groups() -> None:
    groups_of: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    for group in expressions.load_groups():
        for kind in expressions.CODING_KINDS:
            for text in group.by_kind.get(kind, ()):
                groups_of[text.lower()].add(tuple(map(str, group.codes)))
    assert {text: sorted(groups) for text, groups in groups_of.items() if len(groups) > 1} == {}


def test_groups_share_a_code_only_where_another_system_tells_them_apart() -> None:
    """414.00 and 414.01 are both I25.10, but I25.10 alone beside them would be a slip of the pen.

    Groups that state two conditions at once, with two codes of a system, stand beside those of each condition. Of
    procedures, some wordings say the approach or the side that ICD-10-PCS asks for, and others of the same code do not.
    """
    sets = [frozenset(group.codes) for group in expressions.load_groups()]
    sets = [codes for codes in sets if not any(code.system.endswith("pcs") for code in codes)]
    sets = [codes for codes in sets if len({code.system for code in codes}) == len(codes)]
    by_code: defaultdict[Code, list[frozenset[Code]]] = defaultdict(list)
    for codes in sets:
        for code in codes:
            by_code[code].append(codes)
    within = {
        " ".join(sorted(map(str, codes))) for codes in sets for code in codes if any(codes < o for o in by_code[code])
    }
    assert sorted(within) == []


def test_there_are_enough_and_each_group_can_be_recognised() -> None:
    groups = expressions.load_groups()
    assert len(groups) >= 350
    bare = [group.codes for group in groups if not any(group.by_kind.get(kind) for kind in expressions.CODING_KINDS)]
    assert bare == []


def test_expressions_are_short_plain_text() -> None:
    texts = [t for group in expressions.load_groups() for texts in group.by_kind.values() for t in texts]
    assert [text for text in texts if len(text) > 100 or "\t" in text or "  " in text] == []
