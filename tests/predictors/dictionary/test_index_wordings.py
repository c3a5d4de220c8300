from __future__ import annotations

import pytest

from icdcoder.core.code import Code
from icdcoder.knowledge.index_terms import IndexEntry, IndexReading, IndexReference
from icdcoder.predictors.dictionary.index_wordings import forms, wordings


def code(value: str) -> Code:
    return Code("icd10cm", value)


ULCER = ("Ulcer, ulcerated",)
READING = IndexReading(
    "2017",
    (
        IndexEntry(ULCER, ((),), code("L98.4"), True),
        IndexEntry((*ULCER, "duodenum"), ((), ("peptic",)), code("K26.9"), False),
        IndexEntry((*ULCER, "duodenum", "with", "hemorrhage"), ((), (), (), ()), code("K26.4"), False),
        IndexEntry((*ULCER, "specified site NEC"), ((), ()), code("L98.499"), False),
        IndexEntry(("Admission", "adjustment"), ((), ()), code("Z46.9"), False),
        IndexEntry(("Gout, chronic",), ((),), code("M1A.9"), True),
        IndexEntry(("Diabetes", "gastroparesis"), ((), ()), code("E11.43"), False, code("K31.84")),
    ),
    (
        IndexReference(("Sore", "duodenum"), ((), ()), "Ulcer, duodenum", False),
        IndexReference((*ULCER, "duodenum"), ((), ()), "Gout, chronic", True),
        IndexReference(("Acute",), ((),), "condition", True),
    ),
    {},
)
FOUND = {(text, found.value) for text, found, _ in wordings(READING)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Ulcer duodenum", "K26.9"),
        ("ulcerated duodenum", "K26.9"),
        ("Ulcer duodenum peptic", "K26.9"),
        ("Ulcer duodenum with hemorrhage", "K26.4"),
        ("Gout chronic", "M1A.9"),
        ("Sore duodenum", "K26.9"),
    ],
)
def test_ways_through_the_index(text: str, value: str) -> None:
    assert (text, value) in FOUND


def test_what_is_left_out() -> None:
    assert not any("specified" in text or "Admission" in text or "Acute" in text for text, _ in FOUND)
    # "See also" adds nothing to a term that has a code.
    assert ("Ulcer duodenum", "M1A.9") not in FOUND


def test_a_manifestation_comes_along() -> None:
    pairs = {(found.value, second.value) for _, found, second in wordings(READING) if second}
    assert pairs == {("E11.43", "K31.84")}


@pytest.mark.parametrize(
    ("title", "alternatives"),
    [
        ("Abdomen, abdominal", ["Abdomen", "abdominal"]),
        ("toxic, syndrome", ["toxic syndrome"]),
        ("infective NEC", ["infective"]),
        ("Wilson's disease or syndrome", ["Wilson's disease", "Wilson's syndrome"]),
    ],
)
def test_forms_of_a_title(title: str, alternatives: list[str]) -> None:
    assert list(forms(title)) == alternatives
