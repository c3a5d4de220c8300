from __future__ import annotations

import pytest

from icdcoder.decide._constraints.patient import Patient, stated


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A 37-year-old man with fever.", Patient(37, "male")),
        ("72 y/o F admitted with chest pain", Patient(72, "female")),
        ("This is a 63 year old African American woman who fell.", Patient(63, "female")),
        ("Sex: F\nService: MEDICINE", Patient(None, "female")),
        ("The patient is 80 years old.", Patient(80, None)),
        ("He complains of cough.", Patient()),
        ("A 5-year-old boy. His mother, a 37-year-old woman, was well.", Patient(5, "male")),
        ("A 40-year-old man. 40-year-old woman, as dictated.", Patient(40, None)),
        ("A 40-year-old man; later: 44-year-old man.", Patient(None, "male")),
    ],
)
def test_what_a_note_states(text: str, expected: Patient) -> None:
    assert stated(text) == expected


def test_an_infant_is_less_than_one_year_old() -> None:
    age = stated("A 3-day-old newborn girl with jaundice").age
    assert age is not None
    assert 0 < age < 0.01
