from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.corpora.codiesp import Config, read

REAL = Path(os.environ.get("ICDCODER_DATA", Path(__file__).parents[3] / "shared" / "data")) / "codiesp"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for part, names in (("train", "abcdefghij"), ("dev", "xy")):
        for folder in ("text_files", "text_files_en"):
            (tmp_path / part / folder).mkdir(parents=True)
            for name in names:
                (tmp_path / part / folder / f"{name}.txt").write_text(f"{name}: fiebre y tos\r\n", newline="")
        (tmp_path / part / f"{part}D.tsv").write_text("".join(f"{n}\tr50.9\n{n}\tr05\n" for n in names))
        (tmp_path / part / f"{part}P.tsv").write_text(f"{names[0]}\tbw03zzz\n")
        rows = "".join(f"{n}\tDIAGNOSTICO\tr50.9\tfiebre\t3 9\n" for n in names)
        rows += f"{names[0]}\tPROCEDIMIENTO\tbw03zzz\tfiebre tos\t3 9;12 15\n"
        (tmp_path / part / f"{part}X.tsv").write_text(rows)
    return tmp_path


def test_official_dev_is_the_test_part(corpus: Path) -> None:
    documents = read(Config(root=corpus)).documents
    assert Counter(d.split for d in documents) == {"train": 8, "validation": 2, "test": 2}
    assert {d.id for d in documents if d.split == "test"} == {"x", "y"}


def test_codes_are_typed_and_spelled(corpus: Path) -> None:
    both = {d.id: d for d in read(Config(root=corpus, codes="both")).documents}
    assert both["a"].codes == (Code("icd10cm", "R50.9"), Code("icd10cm", "R05"), Code("icd10pcs", "BW03ZZZ"))
    assert read(Config(root=corpus, codes="procedures")).documents[1].codes == ()


def test_evidence_points_into_the_spanish_text(corpus: Path) -> None:
    documents = {d.id: d for d in read(Config(root=corpus, language="es", codes="both")).documents}
    found = documents["a"].evidence or ()
    assert [documents["a"].notes[0].text[e.start : e.end] for e in found] == ["fiebre", "fiebre", "tos"]
    assert read(Config(root=corpus, language="en")).documents[0].evidence is None


def test_a_stretch_that_two_references_share_counts_once(corpus: Path) -> None:
    path = corpus / "train" / "trainX.tsv"
    path.write_text(path.read_text() + "a\tDIAGNOSTICO\tr50.9\tfiebre tos\t3 9;12 15\n")
    got = read(Config(root=corpus, language="es"))
    assert [(e.start, e.end) for e in got.documents[0].evidence or ()] == [(3, 9), (12, 15)]
    assert got.dropped["evidence spans given twice"] == 1


def test_line_ends_are_kept(corpus: Path) -> None:
    assert read(Config(root=corpus)).documents[0].notes[0].text.endswith("\r\n")


def test_a_code_given_twice_counts_once(corpus: Path) -> None:
    path = corpus / "train" / "trainD.tsv"
    path.write_text(path.read_text() + "a\tr05\n")
    got = read(Config(root=corpus))
    assert got.dropped["codes given twice to a document"] == 1
    assert len(got.documents[0].codes) == 2


def test_missing_and_broken_files_are_sentences(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds train/ and dev/"):
        read(Config(root=tmp_path / "none"))
    (corpus / "dev" / "devX.tsv").write_text("x\tDIAGNOSTICO\tr50.9\tfiebre\t3-9\n")
    with pytest.raises(InputError, match="devX.tsv, line 1: the kind or the positions"):
        read(Config(root=corpus, language="es"))
    (corpus / "dev" / "devD.tsv").write_text("x r50.9\n")
    with pytest.raises(InputError, match="line 1: 1 fields instead of 2"):
        read(Config(root=corpus))


@pytest.mark.skipif(not REAL.is_dir(), reason=f"CodiEsp is not at {REAL}")
def test_the_published_counts() -> None:
    got = read(Config(root=REAL, language="es", codes="both"))
    parts = {
        True: [d for d in got.documents if d.split == "test"],
        False: [d for d in got.documents if d.split != "test"],
    }
    assert {test: len(part) for test, part in parts.items()} == {True: 250, False: 500}
    diagnoses = {test: [c for d in part for c in d.codes if c.system == "icd10cm"] for test, part in parts.items()}
    assert {test: len(codes) for test, codes in diagnoses.items()} == {True: 2677, False: 5639}
    assert {test: len(set(codes)) for test, codes in diagnoses.items()} == {True: 1158, False: 1767}
    assert got.dropped["evidence spans without a word"] < 10
    for document in got.documents:
        assert all(document.notes[0].text[e.start : e.end].strip() for e in document.evidence or ())
