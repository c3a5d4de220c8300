from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from icdcoder.core.errors import InputError
from icdcoder.knowledge.table_of_neoplasms import read
from icdcoder.predictors.dictionary.neoplasm_wordings import wordings

TABLE = """<ICD10CM.index><letter><title>N</title><mainTerm><title>Neoplasm, neoplastic</title>
<term level="1"><title>lung</title><cell col="2">C34.9-</cell><cell col="3">C78.0-</cell><cell col="5">D14.3-</cell>
  <term level="2"><title>upper lobe</title><cell col="2">C34.1-</cell></term>
  <term level="2"><title>overlapping lesion</title><cell col="2">C34.8-</cell></term></term>
<term level="1"><title>liver</title><cell col="2">C22.9</cell>
  <cell col="3">C78.7</cell><cell col="4">Q99.99</cell></term>
</mainTerm></letter></ICD10CM.index>"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "tables.zip", "w") as archive:
        archive.writestr("icd10cm_neoplasm_2017.xml", TABLE)
    return tmp_path / "tables.zip"


def test_rows(path: Path) -> None:
    rows = {row.site: {name: code.value for name, code in row.codes.items()} for row in read(path)}
    assert rows["liver",] == {"malignant": "C22.9", "secondary": "C78.7"}
    assert rows["lung", "upper lobe"] == {"malignant": "C34.1"}


def test_wordings(path: Path) -> None:
    found = {text: code.value for text, code, _ in wordings(read(path))}
    assert found["cancer liver"] == "C22.9"
    assert found["metastasis lung"] == "C78.0"
    assert found["cancer lung upper lobe"] == "C34.1"
    assert not any("overlapping" in text for text in found)


def test_another_file_is_a_sentence(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("other.txt", "")
    (tmp_path / "text.zip").write_text("no zip")
    for name in ("empty.zip", "text.zip"):
        with pytest.raises(InputError, match="neoplasm table"):
            read(tmp_path / name)
