from __future__ import annotations

from pathlib import Path

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge import expressions, synonyms

HTN, FAILURE = Code("icd9cm", "401.9"), Code("icd10cm", "I50.9")


def test_the_description_comes_first_then_what_clinicians_write_then_inclusion_terms() -> None:
    names = synonyms.of([HTN, FAILURE])
    for code, found in zip((HTN, FAILURE), names, strict=True):
        assert found[0] == systems.load(code.system).description(code)
        lowered = [name.casefold() for name in found]
        assert len(set(lowered)) == len(lowered)
        written = [expression.text.casefold() for expression in expressions.load(code.system)[code]]
        assert set(written) <= set(lowered)
        for term in systems.load(code.system).inclusion_terms(code):
            assert term.casefold() in lowered
    assert "htn" in [name.casefold() for name in names[0]]


def test_a_file_comes_before_our_expressions_and_an_unknown_code_has_what_is_given(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_text("icd9cm:401.9\tmy own name\nicd9cm:Q9\tnothing like it\n")
    found = synonyms.of([HTN, Code("icd9cm", "Q9"), Code("icd9cm", "Q8")], path)
    assert found[0][1] == "my own name"
    assert found[1:] == (("nothing like it",), ())
