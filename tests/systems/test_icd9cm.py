from __future__ import annotations

import io
import pickle

import pytest

from icdcoder.core.errors import UnknownCodeError
from icdcoder.systems import CodeSystem, icd9cm
from icdcoder.systems.table.contract import Heading


@pytest.fixture
def system() -> CodeSystem:
    return icd9cm.load()


def test_the_billable_codes_are_the_list_of_version_32(system: CodeSystem) -> None:
    assert sum(1 for _ in system.billable()) == 14_567
    assert len(system.chapters()) == 19


def test_a_code_and_what_stands_above_it(system: CodeSystem) -> None:
    code = system.canonical("41071")
    assert system.description(code) == "Subendocardial infarction, initial episode of care"
    assert [above.value for above in system.ancestors(code)] == ["410.7", "410"]
    assert system.description(system.canonical("410")) == "Acute myocardial infarction"
    assert system.block(code) == Heading("410-414", "Ischemic heart disease", "410", "414")
    assert system.chapter(code).title == "Diseases of the circulatory system"


def test_trailing_zeros_tell_codes_apart(system: CodeSystem) -> None:
    header, code = system.canonical("345.1"), system.canonical("345.10")
    assert header != code
    assert system.parent(code) == header
    assert not system.is_billable(header)
    assert system.is_billable(code)
    with pytest.raises(UnknownCodeError):
        system.canonical("428.00")


def test_supplementary_codes(system: CodeSystem) -> None:
    assert system.description(system.canonical("V4581")) == "Aortocoronary bypass status"
    fall = system.canonical("E8859")
    assert fall.value == "E885.9"
    assert system.category(fall).value == "E885"
    assert system.canonical("E0010").value == "E001.0"
    assert system.canonical("0010").value == "001.0"


def test_a_category_may_be_billable_and_a_chapter_without_blocks(system: CodeSystem) -> None:
    assert system.is_billable(system.canonical("042"))
    anemia = system.canonical("280.9")
    assert system.block(anemia) is None
    assert system.chapter(anemia).id == "280-289"


def test_siblings_are_in_order_though_the_package_has_them_in_another(system: CodeSystem) -> None:
    values = [child.value for child in system.children(system.canonical("V01"))]
    assert values == sorted(values)
    assert len(values) > 5


def test_titles_keep_their_accents(system: CodeSystem) -> None:
    assert system.description(system.canonical("386.00")) == "Ménière's disease, unspecified"


def test_there_are_no_notes(system: CodeSystem) -> None:
    code = system.canonical("250.00")
    assert system.inclusion_terms(code) == system.excludes1(code, inherited=True) == ()


def test_the_reader_of_the_tree_takes_no_other_class() -> None:
    with pytest.raises(pickle.UnpicklingError, match="no place"):
        icd9cm._TreeReader(io.BytesIO(pickle.dumps(io.BytesIO))).load()
