from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.knowledge import shipped, table_of_drugs

TABLE = """<ICD10CM.index><letter><title>A</title>
<mainTerm><title>Abacavir</title><cell col="2">T37.5X1</cell><cell col="6">T37.5X5</cell></mainTerm>
<mainTerm><title>Blood</title><cell col="2">T45.8X1</cell></mainTerm>
<mainTerm><title>Acid</title><cell col="2">T54.2X1</cell></mainTerm>
<mainTerm><title>ABOB</title><cell col="2">T37.5X1</cell></mainTerm>
<mainTerm><title>Abrine</title><cell col="2">--</cell></mainTerm>
</letter></ICD10CM.index>"""


def test_substances_of_a_table(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "tables.zip", "w") as archive:
        archive.writestr("icd10cm_drug_2017.xml", TABLE)
    assert table_of_drugs.read(tmp_path / "tables.zip") == {"abacavir": "T37.5X"}


@pytest.mark.parametrize("content", ["no zip", None])
def test_another_file_is_a_sentence(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "tables.zip"
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("other.txt", "")
    else:
        path.write_text(content)
    with pytest.raises(InputError, match="table of drugs"):
        table_of_drugs.read(path)


def test_our_table_is_there_without_a_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path))
    drugs = table_of_drugs.load()
    assert drugs["warfarin"] == "T45.51"
    assert list(tmp_path.iterdir()) == []


def test_every_beginning_leads_to_a_code() -> None:
    system = systems.load("icd10cm")
    stems = set(table_of_drugs.load().values())
    own = {row[0] for row in shipped.rows(table_of_drugs.TABLE)}
    assert own <= stems
    assert [stem for stem in own if Code("icd10cm", f"{stem}1".ljust(7, "X") + "A") not in system] == []
