from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.knowledge import concept_names, concepts
from icdcoder.knowledge.concept_names import short
from icdcoder.knowledge.concepts import GENERAL, SPECIFIC, Concept, ConceptSet, fallback_sentences, key
from icdcoder.knowledge.index_terms import IndexEntry, IndexReading
from icdcoder.predictors.concept import Config

VALUES = ("E11.9", "E11.22", "I10", "J18.9", "S72.001A", "N18.30")
CODES = tuple(Code("icd10cm", value) for value in VALUES)


@pytest.fixture(scope="module")
def built() -> ConceptSet:
    return concepts.build(CODES)


def test_every_code_has_general_and_specific_concepts(built: ConceptSet) -> None:
    membership, fallen = built.membership(CODES)
    layers = [concept.layer for concept in built]
    for row in membership:
        own = [layers[i] for i in row.nonzero()[0]]
        assert own.count(SPECIFIC) >= 1
        assert own.count(GENERAL) >= 2
    assert not fallen


@pytest.mark.parametrize("kind", ["block", "chapter"])
def test_concepts_of_blocks_and_chapters_bear_on_codes_of_several_categories(kind: str) -> None:
    codes = [Code("icd10cm", value) for value in ("I21.4", "I25.10", "I20.0", "J18.9")]
    found = concepts.build(codes, above=("category", kind))
    wide = [c for c in found if set(codes[:3]) <= set(c.codes)]
    assert 1 <= len(wide) <= 5
    title = "Ischemic heart diseases" if kind == "block" else "Diseases of the circulatory system"
    assert found.concepts[found.index(title)] in wide
    assert all(codes[3] not in c.codes for c in wide)
    alone = concepts.build(codes, specific=0, above=(kind,))
    assert all(c.layer == GENERAL for c in alone)
    assert alone.membership(codes)[0].any(1).all()


def test_the_numbers_asked_for_are_not_passed() -> None:
    small = concepts.build(CODES, general=2, specific=1)
    for code in CODES:
        assert sum(code in c.codes and c.layer == GENERAL for c in small) <= 2
    assert sum(c.layer == SPECIFIC for c in small) <= len(CODES)
    assert all(c.layer == SPECIFIC for c in concepts.build(CODES, general=0))
    with pytest.raises(InputError, match="layers"):
        concepts.build(CODES, general=0, specific=0)


def test_of_a_code_of_which_much_is_known_there_are_as_many_as_the_paper_has() -> None:
    code = Code("icd10cm", "I21.4")
    by_default = [concept.layer for concept in concepts.build([code])]
    assert (by_default.count(GENERAL), by_default.count(SPECIFIC)) == (5, 2)
    settings = Config.model_validate({})
    assert (settings.general, settings.specific, settings.levels) == (5, 2, ("category",))


def test_inclusion_terms_are_concepts_where_nothing_else_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concept_names, "_texts", lambda *_: iter(()))
    code = Code("icd10cm", "I21.4")
    of_code, of_category = (
        [concept.name for concept in concepts.build([code]) if concept.layer == layer] for layer in (SPECIFIC, GENERAL)
    )
    assert of_code == ["Non-ST elevation myocardial infarction", "Acute subendocardial myocardial infarction"]
    assert of_category[:2] == ["Acute myocardial infarction", "Cardiac infarction"]


def test_terms_of_the_index_are_names_of_a_concept(monkeypatch: pytest.MonkeyPatch) -> None:
    code = Code("icd10cm", "K26.9")
    entries = (
        IndexEntry(("Sore", "duodenum"), ((), ()), code, False),
        IndexEntry(("Sore", "specified site NEC"), ((), ()), code, False),
        IndexEntry(("Sore", "stomach"), ((), ()), code, True),
    )
    monkeypatch.setattr(concept_names.index_terms, "load", lambda: IndexReading("2017", entries, (), {}))
    with_index, without = (concepts.build([code], index=index).concepts[0].texts for index in (True, False))
    assert set(with_index) - set(without) == {"duodenum sore"}


def test_a_concept_of_two_codes_stands_once_and_belongs_to_both(built: ConceptSet) -> None:
    assert len({key(c.name) for c in built}) == len(built)
    shared = [c for c in built if {CODES[0], CODES[1]} <= set(c.codes)]
    assert shared, "codes of one category share its general concepts"


def test_what_suggests_a_code_bears_on_its_whole_category(built: ConceptSet) -> None:
    assert {CODES[0], CODES[1]} <= set(built.concepts[built.index("metformin")].codes)


def test_a_concept_bears_on_every_code_that_it_is_a_wording_of() -> None:
    codes = [Code("icd10cm", value) for value in ("F41.9", "R56.9", "I10")]
    found = concepts.build(codes)
    lorazepam = found.concepts[found.index("lorazepam")]
    assert set(codes[:2]) == set(lorazepam.codes)
    wordings = concept_names.Wordings.of({"icd10cm"})
    for concept in found:
        for code in codes:
            said = (*wordings.indirect(code), *wordings.names(code), *wordings.inclusions(code))
            assert code in concept.codes or key(concept.name) not in set(map(key, said))


def test_no_concept_holds_a_wording_of_itself_twice(built: ConceptSet) -> None:
    first = built.concepts[built.index("essential hypertension")]
    assert "HTN" in first.wordings
    assert key(first.name) not in {key(text) for text in first.wordings}
    assert len(set(first.wordings)) == len(first.wordings)


def test_building_is_repeatable_and_other_systems_work_too() -> None:
    old = (Code("icd9cm", "401.9"), Code("icd9pcs", "39.61"), Code("icd9cm", "999.99"))
    assert concepts.build(old) == concepts.build(old)
    assert concepts.build(old).membership(old[:2])[0].any(1).all()


def test_an_index_that_there_is_not_is_refused() -> None:
    with pytest.raises(InputError, match="no alphabetic index of icd9cm, icd9pcs here"):
        concepts.build([Code("icd9cm", "401.9"), Code("icd9pcs", "39.61")], index=True)


def test_a_code_without_concepts_takes_those_above_it_and_says_so() -> None:
    known = ConceptSet((Concept("diabetes", GENERAL, (Code("icd10cm", "E11"),)),))
    membership, fallen = known.membership(CODES)
    assert membership[:, 0].tolist() == [True, True, False, False, False, False]
    assert fallen[CODES[0]] == Code("icd10cm", "E11")
    assert fallen[CODES[2]] is None
    said = " ".join(fallback_sentences(fallen))
    assert "icd10cm:E11.9 (those of icd10cm:E11)" in said
    assert "without any concept" in said
    assert fallback_sentences({}) == []


def test_a_code_of_another_edition_still_has_the_concepts_of_its_category() -> None:
    gone = Code("icd10cm", "E11.99999")
    assert gone not in systems.load("icd10cm")
    assert concepts.build([gone]).membership([gone])[0].any()


def test_an_unknown_name_is_answered_with_the_nearest(built: ConceptSet) -> None:
    with pytest.raises(InputError, match="Did you mean 'Essential hypertension'"):
        built.index("Essential hypertensoin")


def test_a_wording_names_its_concept_where_it_is_the_only_one(built: ConceptSet) -> None:
    assert built.index("htn") == built.index("Essential hypertension")
    two = ConceptSet(tuple(Concept(name, SPECIFIC, CODES[:1], ("MS",)) for name in ("sclerosis", "mitral stenosis")))
    with pytest.raises(InputError, match="no concept 'MS'"):
        two.index("MS")


@pytest.mark.parametrize(
    ("code", "name"),
    [("icd9cm:401.9", "HTN"), ("icd9cm:414.01", "CAD"), ("icd9cm:427.31", "AF"), ("icd10cm:N18.9", "CKD")],
)
def test_abbreviations_find_their_concept_however_many_names_it_has(code: str, name: str) -> None:
    found = concepts.build([Code.parse(code)])
    assert key(name) in map(key, found.concepts[0].wordings)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("lisinopril 10 mg daily", "lisinopril"),
        ("insulin drip at 0.1 units/kg/hr", "insulin drip"),
        ("urine output under 20 cc per hour", "urine output under 20 cc per hour"),
        ("blood alcohol level of 240 mg/dL", "blood alcohol level of 240 mg/dL"),
    ],
)
def test_a_drug_loses_its_dose_and_a_measurement_stays_whole(text: str, kept: str) -> None:
    assert concept_names.Wordings(suggesting={CODES[0]: (text,)}).indirect(CODES[0]) == (kept,)


def test_a_set_cannot_hold_a_concept_twice() -> None:
    with pytest.raises(InputError, match="twice"):
        ConceptSet((Concept("Chest pain", 1, CODES[:1]), Concept("pain, chest", 2, CODES[1:2])))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Other and unspecified hyperlipidemia", "Hyperlipidemia"),
        ("Pneumonia, unspecified organism", "Pneumonia"),
        ("Pneumonia, organism unspecified", "Pneumonia"),
        ("Echinococcosis, other and unspecified", "Echinococcosis"),
        ("Chronic mucoid otitis media, simple or unspecified", "Chronic mucoid otitis media, simple"),
        ("Essential (primary) hypertension", "Essential hypertension"),
        ("Acute kidney failure, unspecified", "Acute kidney failure"),
        ("Type 2 diabetes mellitus without complications", "Type 2 diabetes mellitus"),
        ("Fracture of femur, initial encounter for closed fracture", "Fracture of femur"),
    ],
)
def test_titles_lose_what_no_note_says(title: str, name: str) -> None:
    assert short(title) == name
