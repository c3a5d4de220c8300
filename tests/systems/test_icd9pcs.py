from __future__ import annotations

import pytest

from icdcoder.systems import CodeSystem, icd9cm, icd9pcs


@pytest.fixture
def system() -> CodeSystem:
    return icd9pcs.load()


def test_the_billable_codes_are_the_list_of_version_32(system: CodeSystem) -> None:
    assert sum(1 for _ in system.billable()) == 3_882
    categories = [code.value for code in system.codes() if system.parent(code) is None]
    assert categories == [f"{number:02d}" for number in range(100)]
    assert len(system.chapters()) == 18
    assert system.blocks() == ()


def test_a_code_and_what_stands_above_it(system: CodeSystem) -> None:
    code = system.canonical("3893")
    assert code.value == "38.93"
    assert system.description(code) == "Venous catheterization, not elsewhere classified"
    assert [above.value for above in system.ancestors(code)] == ["38.9", "38"]
    assert system.description(system.canonical("38")) == "Incision, excision, and occlusion of vessels"
    assert system.description(system.canonical("38.9")).endswith("38.91 to 38.99")
    assert system.chapter(code).title == "Operations on the cardiovascular system"
    assert system.block(code) is None


def test_leading_zeros_are_part_of_the_code(system: CodeSystem) -> None:
    assert system.canonical("0066").value == "00.66"
    assert "PTCA" in system.description(system.canonical("00.66"))
    assert system.canonical("66").value == "66"


def test_the_same_digits_are_another_code_in_another_volume(system: CodeSystem) -> None:
    procedure, diagnosis = system.spell("0031"), icd9cm.load().spell("0031")
    assert (procedure.value, diagnosis.value) == ("00.31", "003.1")
    assert procedure in system
    assert procedure not in icd9cm.load()


def test_three_digits_are_billable_where_nothing_is_below(system: CodeSystem) -> None:
    leaf = system.canonical("04.3")
    assert system.is_billable(leaf)
    assert system.parent(leaf) == system.canonical("04")
