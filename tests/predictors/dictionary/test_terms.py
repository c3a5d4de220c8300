from __future__ import annotations

import pytest

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.terms import Source, Term, default_leaf, terms, wordings_of
from icdcoder.systems import icd10cm


@pytest.mark.parametrize(
    ("description", "wordings"),
    [
        ("Essential (primary) hypertension", ["essential hypertension", "essential (primary) hypertension"]),
        ("Pneumonia, unspecified organism", ["pneumonia, organism"]),
        ("Hypotension, unspecified", ["hypotension"]),
        ("Other specified disorders of brain", []),
        ("Certain disorders", []),
        (
            "Gastro-esophageal reflux disease without esophagitis",
            ["gastro-esophageal reflux disease without esophagitis"],
        ),
        ("Type 2 diabetes mellitus without complications", ["type 2 diabetes mellitus"]),
    ],
)
def test_what_clinicians_may_write_for_a_description(description: str, wordings: list[str]) -> None:
    assert wordings_of(description) == wordings


@pytest.mark.parametrize(
    ("heading", "leaf"),
    [("E11", "E11.9"), ("J44", "J44.9"), ("N18.3", "N18.30"), ("I48.9", "I48.91"), ("S72.0", "S72.009A")],
)
def test_a_heading_stands_for_the_leaf_that_says_no_more(heading: str, leaf: str) -> None:
    assert default_leaf(icd10cm.load(), Code("icd10cm", heading)) == Code("icd10cm", leaf)


def test_defaults_that_are_remembered_are_those_that_are_worked_out() -> None:
    system = icd10cm.load()
    known: dict[Code, Code | None] = {}
    for code in list(system.codes())[:2000]:
        assert default_leaf(system, code, known) == default_leaf(system, code)
    assert known
    assert all(not system.is_billable(code) for code in known)


def test_every_default_is_billable_and_below_its_heading() -> None:
    system = icd10cm.load()
    seen = 0
    for code in system.codes():
        if system.is_billable(code) or len(code.value) > 5:
            continue
        leaf = default_leaf(system, code)
        if leaf is not None:
            seen += 1
            assert system.is_billable(leaf)
            assert leaf.value.startswith(code.value)
    assert seen > 1000


@pytest.fixture(scope="module")
def all_terms() -> list[Term]:
    return list(terms(icd10cm.load(), with_index=False))


def test_every_source_is_used(all_terms: list[Term]) -> None:
    without_index = set(Source) - {Source.INDEX, Source.EVERYDAY}
    assert {term.source for term in all_terms} - {Source.INDEX} == without_index


def test_indirect_expressions_are_not_in_the_dictionary(all_terms: list[Term]) -> None:
    from icdcoder.knowledge import expressions

    own = {(term.code, term.text) for term in all_terms}
    indirect = expressions.load("icd10cm", kinds=("indirect",))
    assert len(indirect) > 100
    for code, wordings in indirect.items():
        assert not own & {(code, wording.text) for wording in wordings}
