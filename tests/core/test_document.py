from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.core.code import Code
from icdcoder.core.document import Document, GoldEvidence, refuse_crossing_patients
from icdcoder.core.errors import InputError
from icdcoder.core.note import Note

CODE = Code("icd10cm", "I10")


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4), st.data())
def test_joined_evidence_re_reads_the_same_characters(texts: list[str], data: st.DataObject) -> None:
    which = data.draw(st.integers(0, len(texts) - 1))
    start = data.draw(st.integers(0, len(texts[which]) - 1))
    end = data.draw(st.integers(start + 1, len(texts[which])))
    notes = tuple(Note(str(i), text) for i, text in enumerate(texts))
    document = Document("d", notes, (CODE,), "p", "train", (GoldEvidence(CODE, start, end, which),))
    moved = document.joined_evidence()
    assert moved is not None
    assert document.joined().text[moved[0].start : moved[0].end] == texts[which][start:end]


def test_no_evidence_is_not_empty_evidence() -> None:
    document = Document("d", (Note("n", "text"),), (CODE,), "p", "train")
    assert document.joined_evidence() is None
    assert "text" not in repr(document)


def test_a_patient_in_two_splits_is_refused() -> None:
    note = (Note("n", "secret"),)
    one, two = Document("a", note, (CODE,), "p", "train"), Document("b", note, (CODE,), "p", "test")
    refuse_crossing_patients([one, one])
    with pytest.raises(InputError, match="'b' is in two splits, train and test") as caught:
        refuse_crossing_patients([one, two])
    assert "secret" not in str(caught.value)
