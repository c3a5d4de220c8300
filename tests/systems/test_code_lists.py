from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.systems import code_lists


def test_a_list_is_read_in_its_order_without_comments(tmp_path: Path) -> None:
    path = tmp_path / "codes.txt"
    path.write_text("# mine\nicd9cm:401.9  # pressure\n\nicd10cm:E119\nicd9cm:401.9\n", encoding="utf-8")
    assert code_lists.read(path) == (Code("icd9cm", "401.9"), Code("icd10cm", "E11.9"))


def test_mistakes_in_a_list_are_sentences(tmp_path: Path) -> None:
    path = tmp_path / "codes.txt"
    for body, said in (("401.9\n", "line 1"), ("icd9cm:401.9\nicd9cm:999.999\n", "line 2"), ("# none\n", "no code")):
        path.write_text(body, encoding="utf-8")
        with pytest.raises(InputError, match=said):
            code_lists.read(path)
    with pytest.raises(InputError, match="cannot be read"):
        code_lists.read(tmp_path / "none.txt")


def test_siblings_are_the_billable_codes_of_the_category() -> None:
    found = code_lists.siblings([Code("icd10cm", "E11.9"), Code("icd10cm", "I10"), Code("icd10cm", "no such")])
    system = systems.load("icd10cm")
    assert {Code("icd10cm", "E11.65"), Code("icd10cm", "E11.9"), Code("icd10cm", "I10")} <= set(found)
    assert {code.value[:3] for code in found} == {"E11", "I10"}
    assert all(system.is_billable(code) for code in found)
    assert list(found) == sorted(found)
