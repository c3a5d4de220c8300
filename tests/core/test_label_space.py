from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.core.code import Code
from icdcoder.core.document import Document, Split
from icdcoder.core.errors import ArtefactError, InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.note import Note

A, B, C = (Code("icd10cm", value) for value in ("A01.00", "B20", "C34.90"))


def document(name: str, codes: list[Code], split: Split = "train") -> Document:
    return Document(name, (Note(name, "text"),), tuple(codes), name, split)


def test_fit_sorts_by_code_and_keeps_the_most_frequent() -> None:
    documents = [document("1", [C, A]), document("2", [C, B]), document("3", [C, B])]
    assert LabelSpace.fit(documents).codes == (A, B, C)
    assert LabelSpace.fit(documents, top=2).codes == (B, C)
    assert LabelSpace.fit(documents, min_notes=2).codes == (B, C)


def test_ties_go_to_the_smaller_code() -> None:
    assert LabelSpace.fit([document("1", [C, B, A])], top=2).codes == (A, B)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_space_fitted_on_other_splits_is_refused(split: Split) -> None:
    with pytest.raises(InputError, match="training documents only"):
        LabelSpace.fit([document("1", [A]), document("2", [B], split)])


def test_a_code_twice_in_a_document_counts_once() -> None:
    documents = [document("1", [A, A, A]), document("2", [B]), document("3", [B])]
    assert LabelSpace.fit(documents, top=1).codes == (B,)


def test_targets_leave_out_what_the_space_does_not_hold() -> None:
    space = LabelSpace([A, C])
    assert space.targets([[A, B], [C], []]).tolist() == [[True, False], [False, True], [False, False]]


def test_index_of_a_stranger_is_a_sentence() -> None:
    with pytest.raises(InputError, match="does not hold icd10cm:B20"):
        LabelSpace([A]).index(B)


def test_duplicates_are_refused() -> None:
    with pytest.raises(InputError):
        LabelSpace([A, A])


@given(st.lists(st.from_regex(r"[A-Z][0-9]{2}(\.[0-9]{1,4})?", fullmatch=True), unique=True, min_size=1))
def test_save_and_load(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    path = tmp_path_factory.mktemp("space") / "space.json"
    space = LabelSpace(Code("icd10cm", value) for value in values)
    space.save(path)
    assert LabelSpace.load(path) == space


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "space.json"
    LabelSpace([A, B]).save(path)
    body = json.loads(path.read_text())
    body["codes"].reverse()
    path.write_text(json.dumps(body))
    with pytest.raises(ArtefactError, match="damaged"):
        LabelSpace.load(path)


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"codes": ["I10"], "digest": ""}'])
def test_a_foreign_file_is_a_sentence(tmp_path: Path, body: str) -> None:
    path = tmp_path / "space.json"
    path.write_text(body)
    with pytest.raises(ArtefactError):
        LabelSpace.load(path)
    with pytest.raises(ArtefactError, match="missing"):
        LabelSpace.load(tmp_path / "nothing.json")


def test_frequent_codes_can_be_left_out() -> None:
    documents = [
        Document(str(i), (Note(str(i), ""),), (Code("icd10cm", "I10"), *extra), str(i), "train")
        for i, extra in enumerate([(), (Code("icd10cm", "N17.9"),), ()])
    ]
    assert LabelSpace.fit(documents, max_notes=2).codes == (Code("icd10cm", "N17.9"),)
    assert len(LabelSpace.fit(documents, max_notes=3)) == 2
