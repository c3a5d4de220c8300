from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.compiled import Dictionary, cached
from icdcoder.predictors.dictionary.terms import Source, Term
from icdcoder.predictors.dictionary.words import split_side, term_words

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
    number = dictionary.index.number(split_side(text)[0])
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
    assert [s.source for s in dictionary.senses(dictionary.index.number(["pain"]) or 0)] == [Source.EVERYDAY]
    assert codes(dictionary, "hemoptysis") == {("R04.2", 0)}
    assert codes(dictionary, "htn") == {("I10", 0)}
    authored = Dictionary.compile([Term("pain", Code("icd10cm", "R52"), Source.EXPRESSION)])
    assert codes(authored, "pain") == {("R52", 0)}


def test_split_side() -> None:
    assert split_side("left femur. Fracture") == (["femur", "fracture"], 2)
    assert split_side("femur") == (["femur"], 0)


def test_words_of_one_family_are_one_and_connecting_words_are_none() -> None:
    assert split_side("hepatic metastases") == (["liver", "metastasis"], 0)
    assert split_side("metastasis in the liver") == (["metastasis", "liver"], 0)
    assert split_side("Hb AS")[0] == ["hb", "as"]
    assert term_words("pain in the left hip").side(0, 1) == 2


@example("\n1. ")
@given(st.text(alphabet="aAbB 'sS-/()1xX\n.,:é", max_size=40))
def test_terms_are_filed_as_notes_are_read(text: str) -> None:
    """The quick way to a term's words is the slow one."""
    found = term_words(text)
    slow = [word for word in found.words.words if word], max(found.sides.values(), default=0)
    assert split_side(text) == slow


@pytest.mark.parametrize("text", ["Hb AS", "Hepatitis A", "pain IN the left hip", "Crohn's disease", "OF", "A-fib"])
def test_terms_with_words_that_depend_on_others(text: str) -> None:
    found = term_words(text)
    assert split_side(text)[0] == [word for word in found.words.words if word]


def test_a_side_leads_to_the_code_of_that_side() -> None:
    dictionary = Dictionary.compile(TERMS[2:3], {NONE: {1: RIGHT, 2: LEFT}})
    (sense,) = dictionary.senses(0)
    assert [dictionary.code(dictionary.on_side(sense.code, side)) for side in (1, 2, 3)] == [RIGHT, LEFT, NONE]


def test_a_weak_wording_is_a_candidate_whoever_wrote_it() -> None:
    terms = [Term("cancer", Code("icd10cm", "C80.1"), Source.EXPRESSION)]
    dictionary = Dictionary.compile(terms)
    assert [sense.source for sense in dictionary.senses(0)] == [Source.EVERYDAY]


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
