from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.knowledge import entities, expressions, index_terms

from .test_index_terms import written

CODES = [Code("icd9cm", "401.9"), Code("icd9pcs", "38.93"), Code("icd9cm", "Q0")]


def test_names_lead_to_codes_and_codes_to_what_stands_above_them() -> None:
    found = entities.load(CODES)
    assert found.nodes[:2] == ("icd9cm:401.9", "icd9pcs:38.93")
    assert found.nodes[found.phrases["hypertension"]] == "icd9cm:401.9"
    assert set(found.phrases.values()) <= set(range(found.count))
    up = {(found.nodes[a], found.nodes[b]) for a, relation, b in found.triples if relation == 3}
    assert ("icd9cm:401.9", "icd9cm:401") in up
    assert len(found.nodes) == len(set(found.nodes)) > found.count
    assert all(found.nodes[a] != found.nodes[b] for a, _, b in found.triples)


def test_codes_outside_the_space_are_entities_too_where_we_know_how_they_are_written() -> None:
    found = entities.load(CODES[:1])
    assert {str(code) for code in expressions.load("icd9cm")} <= set(found.nodes[: found.count])
    assert "icd9cm:Q0" not in entities.load(CODES).nodes[: found.count]


def test_the_alphabetic_index_adds_its_relations_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    space = [Code("icd10cm", "E11.9"), Code("icd10cm", "E11.44"), Code("icd10cm", "R10.9")]
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path))
    plain = entities.load(space)
    small = index_terms.read(written(tmp_path))
    monkeypatch.setattr(entities.sources, "located", lambda _: tmp_path)
    monkeypatch.setattr(entities.index_terms, "load", lambda: small)
    found = entities.load(space)
    assert found.nodes[: found.count] == plain.nodes[: plain.count]
    named = {(found.nodes[a], entities.RELATIONS[kind], found.nodes[b]) for a, kind, b in found.triples}
    before = {(plain.nodes[a], entities.RELATIONS[kind], plain.nodes[b]) for a, kind, b in plain.triples}
    main = "icd10cm index Diabetes, diabetic"
    assert {("icd10cm:E11.9", "below main term", main), ("icd10cm:E11.44", "below main term", main)} <= named - before
    assert main in found.nodes[len(plain.nodes) :]
    assert before <= named
    assert entities.load([Code("icd9cm", "401.9")]).nodes[-1] != main


def test_words_that_two_codes_share_make_a_relation() -> None:
    found = entities.load(CODES[:1])
    alike = [(a, b) for a, relation, b in found.triples if entities.RELATIONS[relation] == "written alike"]
    assert alike
    assert all(a != b and max(a, b) < found.count for a, b in alike)


def test_a_file_brings_names_that_come_before_ours(tmp_path: Path) -> None:
    file = tmp_path / "names.tsv"
    file.write_text("icd9pcs:38.93\tHypertension\nicd9cm:486\tlung catarrh\n")
    found = entities.load(CODES, file)
    assert found.nodes[found.phrases["hypertension"]] == "icd9pcs:38.93"
    assert found.nodes[found.phrases["lung catarrh"]] == "icd9cm:486"
    assert "hypertension" in entities.load(CODES).phrases
    file.write_text("icd9cm:E999\twar\n")
    with pytest.raises(InputError, match="a text for none of the 3 codes"):
        entities.load(CODES, file)
