from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from icdcoder.systems import CodeSystem, icd10cm
from icdcoder.systems.table.contract import Heading

DATA = Path(os.environ.get("ICDCODER_DATA", Path(__file__).parents[3] / "shared" / "data"))
ORDER_FILE = DATA / "icd" / "icd10cm" / "cms_2026_dx.zip"


@pytest.fixture
def system() -> CodeSystem:
    return icd10cm.load()


def test_a_code_and_what_stands_above_it(system: CodeSystem) -> None:
    code = system.canonical("s72001a")
    assert code.value == "S72.001A"
    assert system.description(code).startswith("Fracture of unspecified part of neck of right femur, initial encounter")
    assert [above.value for above in system.ancestors(code)] == ["S72.001", "S72.00", "S72.0", "S72"]
    assert system.block(code) == Heading("S70-S79", "Injuries to the hip and thigh", "S70", "S79")
    assert system.chapter(code).id == "19"
    assert system.chapter(code).last == "T88"


def test_placeholders_are_part_of_the_code(system: CodeSystem) -> None:
    assert [child.value for child in system.children(system.canonical("T07"))] == ["T07.XXXA", "T07.XXXD", "T07.XXXS"]


def test_a_block_of_one_category_is_told_from_the_category(system: CodeSystem) -> None:
    code = system.canonical("B20")
    assert system.is_billable(code)
    assert system.parent(code) is None
    assert system.block(code) == Heading("B20", "Human immunodeficiency virus [HIV] disease", "B20", "B20")
    assert "A00-B99" not in system.chapter(code).title


def test_notes_of_the_tabular_list(system: CodeSystem) -> None:
    assert "Non-Q wave myocardial infarction NOS" in system.inclusion_terms(system.canonical("I21.4"))
    diabetes = system.canonical("E11")
    assert any("Z79.4" in note for note in system.use_additional(diabetes))
    assert any("type 1 diabetes mellitus (E10.-)" in note for note in system.excludes1(diabetes))
    assert system.excludes1(system.canonical("E11.9")) != system.excludes1(diabetes)
    assert any("underlying" in note.lower() for note in system.code_first(system.canonical("I43")))
    assert system.includes(system.canonical("I10"))


def test_inherited_notes_come_nearest_first(system: CodeSystem) -> None:
    code = system.canonical("E11.9")
    own, inherited = system.excludes1(code), system.excludes1(code, inherited=True)
    above = system.excludes1(system.canonical("E11"))
    assert inherited[: len(own)] == own
    assert inherited[len(own) : len(own) + len(above)] == above
    chapter_note = system.excludes1(system.canonical("E11.9"), inherited=True)[-1]
    assert "transitory endocrine and metabolic disorders specific to newborn" in chapter_note


def test_notes_of_a_block_of_blocks_are_inherited(system: CodeSystem) -> None:
    burn = system.canonical("T20.20XA")
    assert system.block(burn) == Heading(
        "T20-T25", "Burns and corrosions of external body surface, specified by site", "T20", "T25"
    )
    assert "scalds" in system.includes(burn, inherited=True)
    assert system.includes(burn) == ()
    assert system.chapter(burn).id == "19"
    assert system.chapter(system.canonical("C50")).id == "2"


def test_the_seventh_character_is_defined_by_the_nearest_ancestor(system: CodeSystem) -> None:
    meaning = system.seventh_characters(system.canonical("S72.001A"))
    assert meaning["A"] == "initial encounter for closed fracture"
    assert meaning["S"] == "sequela"
    assert not any("\t" in text for text in meaning.values())
    assert system.seventh_characters(system.canonical("I10")) == {}


def test_the_billable_codes_are_those_of_cms(system: CodeSystem) -> None:
    if not ORDER_FILE.is_file():
        pytest.skip(f"the CMS order file of 2026 is not at {ORDER_FILE}")
    with zipfile.ZipFile(ORDER_FILE) as archive:
        name = next(n for n in archive.namelist() if "order" in n and "addenda" not in n and n.endswith(".txt"))
        lines = io.TextIOWrapper(archive.open(name), "utf-8").read().splitlines()
    official = {line[6:13].strip(): line[14] == "1" for line in lines}
    ours = {code.value.replace(".", ""): system.is_billable(code) for code in system.codes()}
    assert {code for code, billable in ours.items() if billable} == {
        code for code, billable in official.items() if billable
    }
    assert set(official) <= set(ours)
