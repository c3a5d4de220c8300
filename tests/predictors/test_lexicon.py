from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icdcoder.coder import Coder
from icdcoder.core.errors import ConfigError
from icdcoder.core.note import Note
from icdcoder.core.prediction import Prediction, Predictor


@pytest.fixture(scope="module")
def coder() -> Coder:
    return Coder.builtin()


def accepted(prediction: Prediction) -> set[str]:
    return {c.code.value for c in prediction.accepted}


@pytest.mark.parametrize(
    ("text", "present", "absent"),
    [
        ("Community-acquired pneumonia and HTN.", {"J18.9", "I10"}, set()),
        ("No evidence of pneumonia. He denies chest pain.", set(), {"J18.9", "R07.9"}),
        ("FAMILY HISTORY:\nMother with breast cancer and stroke.", set(), {"C50.919", "I63.9", "I64"}),
        ("COPD with acute exacerbation", {"J44.1"}, {"J44.9"}),
        ("COPD. Later: COPD with acute exacerbation.", {"J44.1"}, {"J44.9"}),
        ("Chronic kidney disease stage 3", {"N18.30"}, {"N18.9"}),
        ("Oedema, anaemia and diarrhoea were present.", {"R60.9", "D64.9", "R19.7"}, set()),
        ("Type 2 diabetes mellitus with diabetic chronic kidney disease", {"E11.22"}, {"E11.9"}),
        ("Presented with fracture of the left femur after a fall.", {"S72.92XA"}, {"S72.91XA", "S72.90XA"}),
        ("All of it hit him as a cold map.", set(), {"C91.00", "J44.9", "D75.829"}),
    ],
)
def test_what_a_note_says(coder: Coder, text: str, present: set[str], absent: set[str]) -> None:
    found = accepted(coder.code(text))
    assert present <= found
    assert not absent & found


def test_it_is_a_predictor(coder: Coder) -> None:
    assert isinstance(coder.predictor, Predictor)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "pneumonia",
                "\r\n",
                "\t",
                "no fever",
                "Ménière's disease",
                "🫀",
                "\u00a0",
                "ﬁbrillation",
                "HTN",
                ".",
                "acute",
            ]
        )
        | st.text(max_size=8),
        max_size=30,
    )
)
def test_evidence_points_into_the_text_as_given(coder: Coder, parts: list[str]) -> None:
    text = " ".join(parts)
    prediction = coder.code(Note("n", text), top=100)
    scores = [c.score for c in prediction.codes]
    assert scores == sorted(scores, reverse=True)
    for code in prediction.codes:
        assert 0 <= code.score <= 1
        assert code.evidence
        for evidence in code.evidence:
            assert 0 <= evidence.start < evidence.end <= len(text)
            assert text[evidence.start : evidence.end] == evidence.text


def test_repeating_a_finding_never_lowers_it(coder: Coder) -> None:
    once = {c.code: c.score for c in coder.code("Pneumonia.").codes}
    twice = {c.code: c.score for c in coder.code("Pneumonia. Again pneumonia.").codes}
    assert all(twice[code] >= score for code, score in once.items())


def test_a_negated_sentence_adds_no_code(coder: Coder) -> None:
    before = accepted(coder.code("Hypertension."))
    assert accepted(coder.code("Hypertension. There was no pulmonary embolism.")) == before


def test_empty_and_wordless_notes(coder: Coder) -> None:
    assert coder.code("").warnings == ("The note is empty.",)
    assert coder.code(" \n ").codes == ()
    assert coder.code("?!").codes == ()


def test_ten_thousand_mentions(coder: Coder) -> None:
    prediction = coder.code("pneumonia, " * 10_000)
    assert "J18.9" in accepted(prediction)
    assert all(len(c.evidence) <= 5 for c in prediction.codes)


def test_an_unknown_system_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'icd9cm'"):
        Coder.builtin("icd9")
