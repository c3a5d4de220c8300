from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder import systems
from icdcoder.predictors.dictionary.read_off import measures as module
from icdcoder.predictors.dictionary.read_off.measures import measures


@pytest.mark.parametrize(
    ("text", "code", "telling"),
    [
        ("BMI 42.3", "Z68.41", True),
        ("body mass index of 27", "Z68.27", False),
        ("BMI: 15.2 kg/m2", "Z68.1", True),
        ("38 weeks of gestation", "Z3A.38", True),
        ("She is pregnant at 24 weeks.", "Z3A.24", True),
        ("31 3/7 weeks' gestation", "Z3A.31", True),
        ("GCS 6", "R40.2430", True),
        ("Glasgow coma scale of 15", "R40.2410", False),
        ("NIHSS was 12", "R29.712", True),
        ("burns over 25% of the total body surface", "T31.20", True),
        ("Smokes 10 cigs/day", "F17.210", True),
        ("G1P0, 31+4, fever", "Z3A.31", True),
        ("epidermal detachment involving 35 % of the body surface", "L49.3", True),
    ],
)
def test_a_number_and_its_code(text: str, code: str, telling: bool) -> None:
    (found,) = measures(text)
    assert (found.code.value, found.telling) == (code, telling)
    assert text[found.start : found.end].strip()


@pytest.mark.parametrize(
    "text",
    [
        "BMI at the 98th percentile",
        "BMI 5",
        "a baby born at 32 weeks gestation",
        "60 weeks gestation",
        "quit, formerly 20 cigarettes a day",
        "1+2 pitting edema",
        "GCS 20",
        "weight 80",
    ],
)
def test_other_numbers_are_left(text: str) -> None:
    assert list(measures(text)) == []


@given(
    st.integers(0, 200), st.sampled_from(["BMI {}", "{} weeks gestation", "GCS {}", "NIHSS {}", "burn of {}% of TBSA"])
)
def test_every_code_is_billable(number: int, text: str) -> None:
    system = systems.load("icd10cm")
    assert all(system.is_billable(found.code) for found in measures(text.format(number)))


WORDS = """
    BMI body mass index of 31 24 12 . gestation weeks wks pregnant gravida G2 P1 EGA IUP GCS NIHSS burns % body
""".split()


@given(st.lists(st.sampled_from(WORDS), max_size=10))
def test_no_measure_is_lost_where_its_words_are_looked_for_first(words: list[str]) -> None:
    text = " ".join(words)
    slow = [
        (match.span(), *found)
        for _, pattern, read in module._MEASURES
        for match in pattern.finditer(text)
        if (found := read(match))
    ]
    assert [((m.start, m.end), m.code.value, m.telling) for m in measures(text)] == slow
