from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.compiled import Dictionary, cached, split_side
from icdcoder.predictors.dictionary.terms import Source, Term
from icdcoder.text.normal_form import normal_words

LEFT, RIGHT, NONE = (Code("icd10cm", v) for v in ("S72.002A", "S72.001A", "S72.009A"))
TERMS = [
    Term("fracture of left femur", LEFT, Source.DESCRIPTION),
    Term("fracture of right femur", RIGHT, Source.DESCRIPTION),
    Term("fracture of femur", NONE, Source.HEADING),
    Term("HTN", Code("icd10cm", "I10"), Source.ABBREVIATION),
    Term("pain", Code("icd10cm", "R52"), Source.DESCRIPTION),
    Term("hemoptysis", Code("icd10cm", "R04.2"), Source.DESCRIPTION),
]


def codes(dictionary: Dictionary, text: str) -> set[tuple[str, int]]:
    number = dictionary.index.number(split_side(normal_words(text).words)[0])
    return set() if number is None else {(dictionary.code(s.code).value, s.side) for s in dictionary.senses(number)}


def test_sides_are_senses_of_one_term() -> None:
    dictionary = Dictionary.compile(TERMS[:2])
    assert codes(dictionary, "femur fracture") == {("S72.002A", 2), ("S72.001A", 1)}
    assert len(dictionary.index) == 1


def test_a_much_less_trusted_source_gives_way() -> None:
    term = "renal failure"
    many = [Term(term, Code("icd10cm", "N19"), Source.EXPRESSION), Term(term, Code("icd10cm", "N99"), Source.HEADING)]
    assert codes(Dictionary.compile(many), term) == {("N19", 0)}


def test_an_everyday_word_alone_needs_an_author() -> None:
    dictionary = Dictionary.compile(TERMS)
    assert codes(dictionary, "pain") == set()
    assert codes(dictionary, "hemoptysis") == {("R04.2", 0)}
    assert codes(dictionary, "htn") == {("I10", 0)}
    authored = Dictionary.compile([Term("pain", Code("icd10cm", "R52"), Source.EXPRESSION)])
    assert codes(authored, "pain") == {("R52", 0)}


def test_split_side() -> None:
    assert split_side(["left", "femur", "", "fracture"]) == (["femur", "fracture"], 2)
    assert split_side(["femur"]) == (["femur"], 0)


def test_it_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path))
    first = cached(["key"], "x", iter(TERMS))
    again = cached(["key"], "x", iter([]))
    assert again.codes == first.codes
    assert codes(again, "hemoptysis") == {("R04.2", 0)}
    other = cached(["other key"], "x", iter(TERMS[:1]))
    assert len(other.codes) == 1


def test_a_damaged_cache_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path))
    cached(["key"], "x", iter(TERMS))
    (file,) = tmp_path.rglob("senses.npy")
    file.write_bytes(file.read_bytes()[:40])
    assert codes(cached(["key"], "x", iter(TERMS)), "hemoptysis") == {("R04.2", 0)}


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path / "file" / "cache"))
    assert codes(cached(["key"], "x", iter(TERMS)), "hemoptysis") == {("R04.2", 0)}
