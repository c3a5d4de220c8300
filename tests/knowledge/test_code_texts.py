from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.knowledge import code_texts, descriptions, memory_pages, synonyms

HTN = Code("icd9cm", "401.9")


def test_lines_of_a_code_are_kept_in_order(tmp_path: Path) -> None:
    path = tmp_path / "texts.tsv"
    path.write_text("# mine\nicd9cm:401.9\thigh  pressure\n\nicd9pcs:40.7\tother\nicd9cm:401.9\thypertension\n")
    assert code_texts.read(path) == {HTN: ("high pressure", "hypertension"), Code("icd9pcs", "40.7"): ("other",)}


@pytest.mark.parametrize("line", ["icd9cm:401.9 no tab", "401.9\tuntyped", "icd9cm:401.9\t  "])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "texts.tsv"
    path.write_text(f"icd9cm:401.9\tfine\n{line}\n")
    with pytest.raises(InputError, match=r"texts\.tsv, line 2"):
        code_texts.read(path)


def test_a_file_of_expressions_is_not_taken_for_texts(tmp_path: Path) -> None:
    path = tmp_path / "texts.tsv"
    path.write_text("icd9cm:650\tterm\n")
    assert code_texts.read(path) == {Code("icd9cm", "650"): ("term",)}
    path.write_text("icd9cm:401.9\tabbreviation\tHTN\n")
    with pytest.raises(InputError, match=r"texts\.tsv, line 1: this is a line of a file of expressions"):
        code_texts.read(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.tsv"):
        code_texts.read(tmp_path / "none.tsv")


def test_descriptions_come_from_the_file_the_edition_or_the_nearest_code_above(tmp_path: Path) -> None:
    path = tmp_path / "texts.tsv"
    path.write_text("icd9cm:401.9\tmine\n")
    codes = [HTN, Code("icd9cm", "428.0"), Code("icd9pcs", "40.7"), Code("icd9cm", "Q1")]
    found = descriptions.of(codes, path)
    table = descriptions.load("icd9cm")
    assert found == ("mine", table[codes[1]], descriptions.load("icd9pcs")[Code("icd9pcs", "40")], "")
    assert descriptions.of([HTN]) == (table[HTN],)


def test_a_file_that_knows_none_of_the_codes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "texts.tsv"
    path.write_text("icd10cm:I10\thypertension\n")
    for reads in (descriptions.of, synonyms.of, memory_pages.of):
        with pytest.raises(InputError, match="none of the 1 codes, such as icd9cm:401.9; it begins with icd10cm:I10"):
            reads([HTN], path)
