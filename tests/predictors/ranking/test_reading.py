from __future__ import annotations

import pytest

from icdcoder.core.code import Code
from icdcoder.core.note import Note
from icdcoder.predictors import lexicon
from icdcoder.predictors.ranking.reading import ReadNote, read

TEXT = "HISTORY: Fever and cough.\n\nIMPRESSION: No pneumonia. Right hydronephrosis."


@pytest.fixture(scope="module")
def found() -> ReadNote:
    return read(Note("n", TEXT), lexicon.build(lexicon.Config(system="icd9cm", edition="2007")))


def test_views_have_one_entry_a_word(found: ReadNote) -> None:
    assert len(found.words.words) == len(found.scoped) == len(found.placed)
    breaks = [not word for word in found.words.words]
    assert breaks == [not word for word in found.placed]


def test_a_word_is_marked_with_what_is_asserted_of_it_and_where_it_stands(found: ReadNote) -> None:
    assert "negated pneumonia" in found.scoped
    assert "cough" in found.scoped
    assert any(word.endswith(": cough") and "impression" not in word for word in found.placed)
    assert "impression: pneumonia" in found.placed


def test_concepts_are_single_words_between_breaks(found: ReadNote) -> None:
    assert "icd9cm:486 negated impression" in found.concepts
    assert "icd9cm:591 affirmed" in found.concepts
    assert not any(found.concepts[1::2])


def test_the_dictionary_is_told_in_three_ways(found: ReadNote) -> None:
    assert {"icd9cm:486 negated", "icd9cm:486 impression"} <= set(found.asserted)
    assert {"icd9cm:486", "icd9cm:486 unlikely", "icd9cm:591 likely"} <= set(found.believed)
    assert found.views == [found.everything, found.asserted, found.believed]
    for view in (found.asserted, found.believed):
        assert not any(view[1::2])


def test_descriptions_are_those_of_the_candidates(found: ReadNote) -> None:
    said = dict(zip([candidate.code.value for candidate in found.candidates], found.described, strict=True))
    assert "pneumonia" in said["486"]


def test_everything_holds_each_view_apart(found: ReadNote) -> None:
    views = (found.words.words, found.scoped, found.placed, found.concepts)
    assert len(found.everything) == sum(map(len, views)) + 3


def test_candidates_stand_under_the_codes_of_the_edition(found: ReadNote) -> None:
    """In 2007 fever was 780.6, which has been divided since."""
    codes = [candidate.code for candidate in found.candidates]
    assert Code("icd9cm", "780.6") in codes
    assert Code("icd9cm", "780.60") not in codes
    assert len(set(codes)) == len(codes) == len(found.features)
