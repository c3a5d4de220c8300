from __future__ import annotations

from pathlib import Path

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge import expressions, memory_pages, synonyms

HTN = Code("icd9cm", "401.9")


def test_a_page_holds_the_names_and_what_suggests_the_code() -> None:
    page = memory_pages.of([HTN])[0]
    assert page.title == systems.load("icd9cm").description(HTN)
    lines = page.text.split("\n")
    assert lines[0] == page.title
    assert set(synonyms.of([HTN])[0]) <= set(lines)
    suggesting = expressions.load("icd9cm", ("indirect",))
    code = next(iter(suggesting))
    assert suggesting[code][0].text in memory_pages.of([code])[0].text


def test_a_file_replaces_a_page_and_an_unknown_code_has_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "pages.tsv"
    path.write_text("icd9cm:401.9\tfirst line\nicd9cm:401.9\tsecond line\n")
    known, unknown = memory_pages.of([HTN, Code("icd9cm", "Q8")], path)
    assert known.text == "first line\nsecond line"
    assert known.title == systems.load("icd9cm").description(HTN)
    assert (unknown.title, unknown.text) == ("", "")
