"""Mentions over a dictionary of terms of the alphabetic index, which is not at hand where it has not been fetched."""

from __future__ import annotations

import pytest

from icdcoder.core.code import Code
from icdcoder.core.note import Note
from icdcoder.predictors.dictionary.candidates.scoring import ACCEPTED, support
from icdcoder.predictors.dictionary.compiled import Dictionary
from icdcoder.predictors.dictionary.mentions import mentions
from icdcoder.predictors.dictionary.terms import Source, Term

INDEXED = {
    "displacement kidney": "N28.83",
    "lesion spleen": "D73.89",
    "abdominal sinus": "K63.89",
    "tumor testicle": "D40.10",
    "cancer pelvis": "C76.3",
    "insomnia depression": "F51.05",
    "respiratory distress syndrome": "P22.0",  # in weak_wordings.txt
}
EXPRESSED = {"insomnia": "G47.00", "depression": "F32.A", "respiratory distress": "R06.03"}
DICTIONARY = Dictionary.compile(
    [
        *(Term(text, Code("icd10cm", value), Source.INDEX) for text, value in INDEXED.items()),
        *(Term(text, Code("icd10cm", value), Source.EXPRESSION) for text, value in EXPRESSED.items()),
    ]
)


def accepted(text: str) -> set[str]:
    found = mentions(Note("1", text), DICTIONARY)
    return {DICTIONARY.code(m.senses[0].code).value for m in found if support(m, m.senses[0]) >= ACCEPTED}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Displacement of the kidney.", {"N28.83"}),
        ("Displacement of the renal vessels.", set()),
        ("A lesion of the spleen was seen.", {"D73.89"}),
        ("There was a lesion at the splenic flexure.", set()),
        ("Chest X-ray, sinuses and abdominal ultrasound were normal.", set()),
        ("A tumor of the testicle and weight loss.", {"D40.10"}),
        ("The testicle was tumor free.", set()),
        ("Pelvic cancer was found.", {"C76.3"}),
        ("Non-pelvic cancer was found.", set()),
    ],
)
def test_words_of_the_index_that_do_not_belong_together_are_no_mention(text: str, codes: set[str]) -> None:
    assert accepted(text) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Insomnia and depression.", {"G47.00", "F32.A"}),
        ("Respiratory distress syndrome.", {"R06.03"}),
    ],
)
def test_a_term_that_counts_little_does_not_hide_those_inside_it(text: str, codes: set[str]) -> None:
    assert accepted(text) == codes
