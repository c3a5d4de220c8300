from __future__ import annotations

from icdcoder.core.code import Code
from icdcoder.knowledge import index_relations
from icdcoder.knowledge.index_terms import IndexEntry, IndexReading, IndexReference

DIABETES, PAIN = "Diabetes, diabetic", "Pain"


def entry(value: str, *path: str) -> IndexEntry:
    return IndexEntry(path, ((),) * len(path), Code("icd10cm", value), False)


def reference(target: str, also: bool, *path: str) -> IndexReference:
    return IndexReference(path, ((),) * len(path), target, also)


READING = IndexReading(
    "2017",
    (
        entry("E11.9", DIABETES),
        entry("E11.44", DIABETES, "with", "amyotrophy"),
        entry("E11.44", DIABETES, "with", "myasthenia"),
        entry("R10.9", PAIN, "abdominal"),
        entry("R10.9", "Ache", "belly"),
        entry("Z99.9", "Unheard"),
    ),
    (
        reference("Pain, abdominal", True, "Ache", "belly"),
        reference("Pain, chest NEC", False, "Ache", "chest"),
        reference("Diabetes, diabetic", True, PAIN, "nerve"),
        reference("Diabetes", False, DIABETES, "sugar"),
        reference("Unheard", True, PAIN),
        reference("Pain", False, "Dolor"),
    ),
    {},
)
CODES = ["icd10cm:E11.9", "icd10cm:E11.44", "icd10cm:R10.9"]


def test_codes_stand_below_main_terms_and_references_lead_from_term_to_term() -> None:
    diabetes, pain, ache = (f"icd10cm index {title}" for title in (DIABETES, PAIN, "Ache"))
    assert index_relations.triples(READING, CODES) == [
        ("icd10cm:E11.9", "below main term", diabetes),
        ("icd10cm:E11.44", "below main term", diabetes),
        ("icd10cm:R10.9", "below main term", pain),
        ("icd10cm:R10.9", "below main term", ache),
        ("icd10cm:R10.9", "see also", pain),
        (ache, "see", pain),
        (pain, "see also", diabetes),
    ]


def test_codes_that_the_graph_has_not_bring_nothing() -> None:
    assert index_relations.triples(READING, []) == []
