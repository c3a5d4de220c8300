from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.knowledge import concept_files
from icdcoder.knowledge.concepts import Concept, ConceptSet

I10 = Code("icd10cm", "I10")
SOME = ConceptSet(
    (
        Concept("high blood pressure", 2, (I10, Code("icd9cm", "401.9")), ("HTN", "hypertension")),
        Concept("lisinopril", 1, (I10,)),
    )
)


@pytest.mark.parametrize("name", ["concepts.tsv", "concepts.json"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    concept_files.write(tmp_path / name, SOME)
    assert concept_files.read(tmp_path / name) == SOME
    assert concept_files.trusted([concept_files.to_json(c) for c in SOME]) == SOME


def refusal(tmp_path: Path, body: str, name: str = "concepts.tsv") -> str:
    path = tmp_path / name
    path.write_text(body, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        concept_files.read(path)
    return str(caught.value)


def test_contradictions_name_both_lines(tmp_path: Path) -> None:
    said = refusal(tmp_path, "chest pain\t1\ticd10cm:I10\n\nPain, chest\t2\ticd10cm:I10\n")
    assert "line 3" in said
    assert "contradicts line 1" in said
    said = refusal(tmp_path, "chest pain\t1\ticd10cm:I10\nchest pain\t1\ticd10cm:E11.9\n")
    assert "layer 1 and icd10cm:I10; here it has layer 1 and icd10cm:E11.9" in said
    said = refusal(tmp_path, "chest pain\t1\ticd10cm:I10\nchest pain\t1\ticd10cm:I10\tangina\n")
    assert "stands at line 1 already" in said


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("chest pain\t1", "2 columns"),
        ("chest pain\t3\ticd10cm:I10", "general"),
        ("--\t1\ticd10cm:I10", "no name"),
        ("chest pain\t1\t", "one or more codes"),
        ("chest pain\t1\tI10", "not a typed code"),
        ("chest pain\t1\ticd10cm:I10 icd10cm:I10", "each once"),
        ("chest pain\t1\ticd10cm:I10\ta | | b", "is empty"),
        ("chest pain\t1\ticd10cm:401.9", "401.9"),
        ("chest pain\t1\ticd11:I10", "icd11"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    said = refusal(tmp_path, f"# a comment\n{line}\n")
    assert reason in said
    assert "concepts.tsv, line 2" in said


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "not JSON"),
        ("{}", "not a list"),
        ('[{"name": "a", "layer": 1, "codes": "icd10cm:I10"}]', "lists of texts"),
        ('[{"name": "a", "layer": 1, "codes": ["icd10cm:I10"], "kind": 1}]', "'kind'"),
        ("[]", "no concept"),
    ],
)
def test_malformed_json_is_named(tmp_path: Path, body: str, reason: str) -> None:
    assert reason in refusal(tmp_path, body, "concepts.json")


def test_a_code_of_another_edition_is_refused_unless_the_corpus_has_it(tmp_path: Path) -> None:
    path = tmp_path / "concepts.tsv"
    path.write_text("old pain\t2\ticd10cm:I10.99\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 1: .*I10\.99"):
        concept_files.read(path)
    assert len(concept_files.read(path, {Code("icd10cm", "I10.99")})) == 1


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        concept_files.read(tmp_path / "none.tsv")
    (tmp_path / "bytes.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        concept_files.read(tmp_path / "bytes.tsv")
