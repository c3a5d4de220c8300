from __future__ import annotations

from icdcoder.core.code import Code
from icdcoder.core.note import Note
from icdcoder.core.prediction import CodePrediction, CoderName, Evidence, Prediction
from icdcoder.measure.errors import KINDS, coding_errors, counted

TEXT = "Denies fever. Pneumonia of the left lower lobe. Type 2 diabetes."
NOTE = Note("n", TEXT)


def code(value: str) -> Code:
    return Code("icd10cm", value)


def said(value: str, words: str = "", *, accepted: bool = True, description: str = "") -> CodePrediction:
    at = TEXT.find(words)
    evidence = (Evidence(at, at + len(words), words, "lexicon"),) if words else ()
    return CodePrediction(code(value), description, 0.9 if accepted else 0.1, accepted, evidence)


def kinds(gold: set[str], *codes: CodePrediction) -> dict[str, str]:
    answer = Prediction("n", CoderName("c", "1"), "icd10cm", "2026", codes)
    return {e.code.value: e.kind for e in coding_errors(NOTE, {code(value) for value in gold}, answer)}


def test_right_codes_are_no_errors() -> None:
    assert kinds({"J18.9"}, said("J18.9", "Pneumonia"), said("E11.9", accepted=False)) == {}


def test_each_miss_has_the_first_kind_that_holds() -> None:
    assert kinds({"E11.9"}) == {"E11.9": "no candidate"}
    assert kinds({"E11.9"}, said("E11.9", "diabetes", accepted=False)) == {"E11.9": "ranked low"}
    assert kinds({"R50.9"}, said("R50.9", "fever", accepted=False)) == {"R50.9": "not affirmed"}
    assert kinds({"R05"}, said("R05.9")) == {"R05": "more specific chosen"}
    assert kinds({"J18.1"}, said("J18.9", description="Pneumonia, unspecified organism")) == {
        "J18.1": "less specific chosen"
    }
    assert kinds({"J18.1"}, said("J18.2", description="Hypostatic pneumonia")) == {"J18.1": "neighbour in the category"}
    assert kinds({"J18.9"}, said("J15.9")) == {"J18.9": "neighbour in the block"}


def test_a_wrong_code_stands_in_for_one_miss_only() -> None:
    found = kinds({"J18.1", "J18.2"}, said("J18.0"))
    assert sorted(found.values()) == ["neighbour in the category", "no candidate"]


def test_what_stands_in_for_nothing_was_added() -> None:
    assert kinds({"J18.9"}, said("J18.9"), said("E11.9")) == {"E11.9": "added"}


def test_codes_of_another_edition_are_no_obstacle() -> None:
    assert kinds({"Z99.99", "J99.ZZ"}, said("J18.9")) == {
        "J18.9": "added",
        "J99.ZZ": "no candidate",
        "Z99.99": "no candidate",
    }


def test_every_error_is_counted_once_and_none_shows_the_note() -> None:
    answer = Prediction("n", CoderName("c", "1"), "icd10cm", "2026", (said("E11.9", "diabetes"),))
    errors = coding_errors(NOTE, {code("J18.9"), code("R05.9")}, answer)
    assert counted(errors) == {**dict.fromkeys(KINDS, 0), "no candidate": 2, "added": 1}
    assert "diabetes" not in repr(errors)
