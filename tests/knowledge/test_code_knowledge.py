from __future__ import annotations

from pathlib import Path

from icdcoder.core.code import Code
from icdcoder.knowledge import code_knowledge, descriptions

KNOWN, PLAIN = Code("icd9cm", "401.9"), Code("icd9cm", "E882")


def test_expressions_stand_one_behind_the_other_and_titles_for_codes_without() -> None:
    known, plain = code_knowledge.of([KNOWN, PLAIN], "medical_expressions")
    listed = known.split("; ")
    assert "HTN" in listed
    assert len(listed) == len(set(listed)) > 3
    assert plain == descriptions.of([PLAIN])[0] != ""


def test_the_user_s_own_texts(tmp_path: Path) -> None:
    described = tmp_path / "descriptions.tsv"
    described.write_text("icd9cm:401.9\tpressure too high\n", encoding="utf-8")
    assert code_knowledge.of([KNOWN], "code_descriptions", described) == ["pressure too high"]
    worded = tmp_path / "expressions.tsv"
    worded.write_text("icd9cm:401.9\tabbreviation\tqhpx\n", encoding="utf-8")
    assert "qhpx" in code_knowledge.of([KNOWN], "medical_expressions", worded)[0].split("; ")


def test_a_code_that_no_edition_knows_has_the_title_of_what_is_above_it() -> None:
    assert code_knowledge.of([Code("icd9cm", "401.99")], "medical_expressions") == list(descriptions.of([KNOWN]))
