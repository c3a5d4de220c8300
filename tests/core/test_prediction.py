from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.core.note import Note
from icdcoder.core.prediction import CodePrediction, CoderName, Evidence, Prediction, Span

evidence = st.builds(
    Evidence,
    start=st.integers(0, 100),
    end=st.integers(100, 200),
    text=st.text(max_size=9),
    method=st.sampled_from(["lexicon", "attention"]),
    score=st.none() | st.floats(0, 1),
)
code = st.builds(
    CodePrediction,
    code=st.sampled_from([Code("icd10cm", "I10"), Code("icd9pcs", "38.93")]),
    description=st.text(max_size=9),
    score=st.floats(0, 1),
    accepted=st.booleans(),
    evidence=st.lists(evidence, max_size=3).map(tuple),
)
prediction = st.builds(
    Prediction,
    note_id=st.text(min_size=1),
    coder=st.builds(CoderName, st.just("builtin"), st.just("1")),
    system=st.just("icd10cm"),
    edition=st.just("2026"),
    codes=st.lists(code, max_size=4).map(tuple),
    left_unread=st.lists(st.builds(Span, st.just(1), st.just(2), st.just("budget")), max_size=2).map(tuple),
    warnings=st.lists(st.text(), max_size=2).map(tuple),
)


@given(prediction)
def test_json_round_trip(p: Prediction) -> None:
    assert Prediction.from_json(json.loads(p.to_json_line())) == p


def test_the_documented_shape() -> None:
    e = Evidence(12, 24, "hypertension", "lexicon")
    c = CodePrediction(Code("icd10cm", "I10"), "Essential (primary) hypertension", 0.93, True, (e,))
    p = Prediction("n1", CoderName("builtin", "0.1.0"), "icd10cm", "2026", (c,))
    assert p.to_json() == {
        "note_id": "n1",
        "coder": {"name": "builtin", "version": "0.1.0"},
        "system": "icd10cm",
        "edition": "2026",
        "codes": [
            {
                "system": "icd10cm",
                "code": "I10",
                "description": "Essential (primary) hypertension",
                "score": 0.93,
                "accepted": True,
                "evidence": [{"start": 12, "end": 24, "text": "hypertension", "method": "lexicon"}],
            }
        ],
        "left_unread": [],
        "warnings": [],
        "changes": [],
    }


def test_accepted() -> None:
    codes = tuple(CodePrediction(Code("icd10cm", v), "", 0.5, v == "I10") for v in ("I10", "J18.9"))
    p = Prediction("n", CoderName("c", "1"), "icd10cm", "2026", codes)
    assert [c.code.value for c in p.accepted] == ["I10"]


@pytest.mark.parametrize("data", [{}, {"note_id": "x"}, {"note_id": "x", "coder": 3}])
def test_a_foreign_object_is_a_sentence(data: dict) -> None:
    with pytest.raises(InputError, match="not a prediction"):
        Prediction.from_json(data)


def test_patient_text_is_not_in_a_repr() -> None:
    secret = "Zebulon Quartermaine"
    assert secret not in repr(Note("1", secret))
    assert secret not in repr(Evidence(0, len(secret), secret, "lexicon"))
