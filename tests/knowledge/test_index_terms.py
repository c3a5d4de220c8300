from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.errors import ArtefactError, InputError
from icdcoder.knowledge import index_terms, sources
from icdcoder.knowledge.index_terms import IndexEntry, IndexReference

DATA = Path(os.environ.get("ICDCODER_DATA", Path(__file__).parents[3] / "shared" / "data"))
FY2017 = DATA / "icd" / "icd10cm" / "ICD10CM_FY2017_Full_XML.zip"
SMALL = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.index>
  <version>2017</version>
  <letter><title>D</title>
    <mainTerm><title>Diabetes, diabetic<nemod>(mellitus) (sugar)</nemod></title><code>E11.9</code>
      <term level="1"><title>with</title>
        <term level="2"><title>amyotrophy<nemod>(any)</nemod>, proximal</title><code>E11.44</code></term>
        <term level="2"><title>retinopathy</title><seeAlso>Retinopathy</seeAlso><code>E11.3-</code></term>
      </term>
      <term level="1"><title>gone</title><code>E99.99</code></term>
      <term level="1"><title>gone too</title><code>E99.99</code></term>
      <term level="1"><title>dementia</title><code>E11.9</code><manif>F02.80</manif></term>
    </mainTerm>
    <mainTerm><title>Dizzy</title><see>Dizziness, here</see></mainTerm>
  </letter>
</ICD10CM.index>
"""


def written(folder: Path, body: str = SMALL) -> Path:
    path = folder / "icd10cm_index_2017.xml"
    path.write_text(body, encoding="utf-8")
    return path


def test_entries_have_the_way_from_the_main_term_to_the_code(tmp_path: Path) -> None:
    reading = index_terms.read(written(tmp_path))
    main, mellitus = "Diabetes, diabetic", ("mellitus", "sugar")
    code = Code("icd10cm", "E11.9")
    assert reading.edition == "2017"
    assert reading.entries == (
        IndexEntry((main,), (mellitus,), code, False),
        IndexEntry((main, "with", "amyotrophy, proximal"), (mellitus, (), ("any",)), Code("icd10cm", "E11.44"), False),
        IndexEntry((main, "with", "retinopathy"), (mellitus, (), ()), Code("icd10cm", "E11.3"), True),
        IndexEntry((main, "dementia"), (mellitus, ()), code, False, Code("icd10cm", "F02.80")),
    )


def test_references_are_kept_as_written_and_lost_codes_counted(tmp_path: Path) -> None:
    reading = index_terms.read(written(tmp_path))
    assert reading.references == (
        IndexReference(
            ("Diabetes, diabetic", "with", "retinopathy"), (("mellitus", "sugar"), (), ()), "Retinopathy", True
        ),
        IndexReference(("Dizzy",), ((),), "Dizziness, here", False),
    )
    assert reading.dropped == {"E99.99": 2}


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("I10", "I10"),
        ("E11.-", "E11"),
        ("E11.3-", "E11.3"),
        ("C64-", "C64"),
        ("F02.81 ", "F02.81"),
        ("T36.0X-", "T36.0X"),
        ("I10.XX-", "I10"),
        ("S72.001-", "S72.001"),
        ("T81.4XX-", "T81.4"),
    ],
)
def test_hyphens_and_placeholders_are_taken_off(raw: str, value: str) -> None:
    code = index_terms.present(raw, systems.load("icd10cm"))
    assert code is not None
    assert code.value == value


@pytest.mark.parametrize("raw", ["", "-", "X", "Z99.98", "condition"])
def test_what_is_no_code_of_the_edition_is_none(raw: str) -> None:
    assert index_terms.present(raw, systems.load("icd10cm")) is None


def test_a_zip_is_read_as_the_file_in_it(tmp_path: Path) -> None:
    plain = written(tmp_path)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("icd10cm_tabular_2017.xml", "<x/>")
        archive.write(plain, "Table and Index/icd10cm-index-2017.xml")
    assert index_terms.read(tmp_path / "all.zip") == index_terms.read(plain)


def test_wrong_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not the index: its XML begins with <x>"):
        index_terms.read(written(tmp_path, "<x/>"))
    with pytest.raises(InputError, match="neither a whole XML"):
        index_terms.read(written(tmp_path, SMALL[:300]))
    with pytest.raises(InputError, match="cannot be read"):
        index_terms.read(tmp_path / "absent.xml")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(InputError, match="holds no icd10cm_index"):
        index_terms.read(tmp_path / "other.zip")


def test_an_absent_index_says_how_to_fetch_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path))
    with pytest.raises(ArtefactError, match="icdcoder fetch icd10cm-index"):
        index_terms.load()


def test_the_index_of_2017(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not FY2017.is_file():
        pytest.skip(f"the index is not at {FY2017}")
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path))
    sources.fetch(index_terms.SOURCE, from_file=FY2017)
    reading = index_terms.load()
    assert len(reading.entries) + sum(reading.dropped.values()) == 59_412
    assert sum(reading.dropped.values()) < 50
    system = systems.load("icd10cm")
    assert all(entry.code in system for entry in reading.entries)
    assert all(len(entry.path) == len(entry.modifiers) and entry.path[0] for entry in reading.entries)
    abasia = next(entry for entry in reading.entries if entry.path == ("Abasia",))
    assert abasia.modifiers == (("-astasia", "hysterical"),)
    assert sum(not reference.also for reference in reading.references) == 11_979
