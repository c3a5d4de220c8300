from __future__ import annotations

import pytest

from icdcoder.core.errors import UnknownCodeError
from icdcoder.systems import CodeSystem, icd10pcs
from icdcoder.systems.table.contract import Heading


@pytest.fixture
def system() -> CodeSystem:
    return icd10pcs.load()


def test_the_list_is_that_of_2024(system: CodeSystem) -> None:
    assert sum(1 for _ in system.billable()) == 78_603
    assert [chapter.id for chapter in system.chapters()] == list("0123456789BCDFGHX")


def test_a_code_and_its_axes(system: CodeSystem) -> None:
    code = system.canonical("02hv33z")
    assert system.description(code) == "Insertion of Infusion Device into Superior Vena Cava, Percutaneous Approach"
    assert [above.value for above in system.ancestors(code)] == ["02H"]
    assert system.description(system.category(code)) == "Heart and Great Vessels, Insertion"
    assert system.block(code) == Heading("02", "Heart and Great Vessels", "02", "02")
    assert system.chapter(code) == Heading("0", "Medical and Surgical", "0", "0")
    assert not system.is_billable(system.category(code))


@pytest.mark.parametrize(
    ("category", "title"),
    [
        ("B24", "Imaging, Heart, Ultrasonography"),
        ("GZ1", "Mental Health, Psychological Tests"),
        ("4A1", "Measurement and Monitoring, Physiological Systems, Monitoring"),
        ("5A1", "Extracorporeal or Systemic Assistance and Performance, Physiological Systems, Performance"),
    ],
)
def test_tables_are_titled_as_in_the_order_file(system: CodeSystem, category: str, title: str) -> None:
    assert system.description(system.canonical(category)) == title


def test_a_cut_code_can_be_spelled_and_is_no_entry(system: CodeSystem) -> None:
    cut = system.spell("bw03")
    assert cut.value == "BW03"
    assert cut not in system
    with pytest.raises(UnknownCodeError):
        system.canonical("bw03")
