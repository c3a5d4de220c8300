from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.text.normal_form import FILLER, normal_form, normal_words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anaemia", "anemia"),
        ("haemorrhages", "hemorrhage"),
        ("oedema", "EDEMA"),
        ("tumours", "tumor"),
        ("diarrhoea", "diarrhea"),
        ("Crohn's", "crohn"),
        ("Crohn’s", "crohn"),
        ("diagnoses", "diagnosis"),
        ("metastases", "metastasis"),
        ("ulcers", "ulcer"),
        ("biopsies", "biopsy"),
        ("abscesses", "abscess"),
        ("diseases", "disease"),
        ("Ménière", "meniere"),
        ("dyspnoea", "dyspnea"),
    ],
)
def test_spellings_meet(one: str, other: str) -> None:
    assert normal_form(one) == normal_form(other)


@pytest.mark.parametrize("word", ["pus", "virus", "sepsis", "pancreas", "abscess", "gas", "AIDS", "pelvis", "cyst"])
def test_words_that_are_no_plurals_keep_their_sense(word: str) -> None:
    assert normal_form(word)[:3] == word[:3].lower()


def test_terms_cannot_cross_sentences_items_or_paragraphs() -> None:
    words = normal_words("Acute renal. Failure\n\nof heart\n- lung: disease\n2) liver").words
    assert words == ["acute", "renal", "", "failure", "", "heart", "", "lung", "", "disease", "", "liver"]


def test_the_article_goes_and_the_name_stays() -> None:
    assert normal_words("a case of hepatitis A and a fib").words == ["case", "hepatitis", "a", "fib"]
    assert normal_words("A-fib").words == ["a", "fib"]
    assert normal_words("A cough. A fever").words == ["cough", "", "fever"]


def test_capitals_may_end_in_an_s_of_their_own() -> None:
    assert normal_form("HLHS") == "hlhs"
    assert normal_form("PVCs") == normal_form("PVC")


def test_abbreviations_with_a_stroke_are_words() -> None:
    assert normal_words("PCI w/ stent w/o rash").words == ["pci", "with", "stent", "without", "rash"]
    assert normal_words("anemia 2/2 CKD d/t b/l stones").words == "anemia due ckd due bilateral stone".split()
    assert normal_words("reflexes: 2/2, EtOH w/d, 2/2/93").words[1:] == ["", "2", "2", "etoh", "w", "d", "2", "2", "93"]


def test_decimals_and_wrapped_lines_do_not_break() -> None:
    assert "" not in normal_words("creatinine 1.5 and chronic\nkidney disease").words


@given(st.text(max_size=200))
def test_offsets_re_read_the_words(text: str) -> None:
    found = normal_words(text)
    assert len(found.words) == len(found.offsets)
    end = 0
    for word, (start, stop) in zip(found.words, found.offsets.tolist(), strict=True):
        assert end <= start < stop <= len(text)
        end = stop
        if word:
            assert normal_form(text[start:stop]) == word
            assert word not in FILLER or word == "a"


def test_a_name_like_a_plural_of_filler_is_a_word() -> None:
    assert normal_form("Hers") == "hers"
