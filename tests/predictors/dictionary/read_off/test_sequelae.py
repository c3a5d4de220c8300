from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge.stroke_deficits import deficits
from icdcoder.predictors.dictionary.read_off.sequelae import of_the_hand, sequelae


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("CVA in 2015. Residual left arm weakness and dysarthria.", {"I69.334", "I69.322"}),
        ("chronic left hemiparesis due to prior intracerebral hemorrhage", {"I69.154"}),
        ("post-stroke dysphagia", {"I69.391"}),
        ("subarachnoid hemorrhage with residual cognitive impairment", {"I69.019"}),
        ("acute stroke with right hemiparesis", set()),
        ("STROKE SERVICE: chronic AF, sudden aphasia", set()),
        ("aphasia and chronic dysphagia. Denies prior stroke", set()),
        ("prior stroke, now with new right hemiparesis", set()),
        ("CVA with no residual weakness", set()),
        ("aphasia after stroke was excluded; dysphagia", set()),
        ("hemiparesis of the right side", set()),
    ],
)
def test_what_a_former_stroke_left_behind(text: str, codes: set[str]) -> None:
    assert {one.code.value for one in sequelae(text)} == codes


@pytest.mark.parametrize(
    ("text", "value", "coded"),
    [
        ("left-handed", "G81.91", "G81.93"),
        ("left hand dominant", "I69.354", "I69.352"),
        ("right-handed", "I69.354", "I69.354"),
        ("ambidextrous", "I69.354", "I69.352"),
        ("ambidextrous", "I69.351", "I69.351"),
        ("left-handed", "I69.391", "I69.391"),
    ],
)
def test_the_leading_hand(text: str, value: str, coded: str) -> None:
    assert of_the_hand(text, value) == coded


def test_every_code_of_the_table_exists_for_each_kind_of_stroke() -> None:
    system = systems.load("icd10cm")
    for kind in ("I69.0", "I69.1", "I69.2", "I69.3"):
        for deficit in deficits():
            for side in "12349" if "x" in deficit.ending else "-":
                assert system.is_billable(Code("icd10cm", kind + deficit.ending.replace("x", side)))
