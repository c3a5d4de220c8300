"""What is looked for before a pattern stands in each of its matches, so that nothing is lost by looking."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.predictors.dictionary.read_off import measures, metastases, pregnancy, sequelae, spine, transport
from icdcoder.text.led_pattern import holds_one

ASCII = st.characters(codec="ascii")
PATTERNS = {
    "deliveries": (pregnancy._DELIVERED, pregnancy._DELIVERED_CUES),
    "pregnancies": (re.compile(measures._OF_A_PREGNANCY, re.IGNORECASE), measures._PREGNANCY_CUES),
    "strokes": (sequelae._STROKE.pattern, sequelae._STROKE.leads),
    # What follows is no part of a match.
    "spreads": (re.compile(metastases._SPREAD.pattern.removesuffix(r"(?=\S)"), re.IGNORECASE), metastases._CUES),
    "origins": (metastases._FROM, metastases._CUES),
    "fractures": (re.compile(spine._FRACTURE, re.IGNORECASE), spine._FRACTURED),
    "riders": (transport._WHO, transport._WHO_CUES),
}


@pytest.mark.parametrize("name", PATTERNS)
@given(data=st.data())
def test_each_match_holds_a_cue(name: str, data: st.DataObject) -> None:
    pattern, cues = PATTERNS[name]
    text = data.draw(st.from_regex(pattern, fullmatch=True, alphabet=ASCII))
    assert holds_one(f"\n{text} ", cues)


@given(data=st.data())
def test_each_stroke_begins_with_one_of_its_leads(data: st.DataObject) -> None:
    text = data.draw(st.from_regex(sequelae._STROKE.pattern, fullmatch=True, alphabet=ASCII))
    assert text.lower().startswith(sequelae._STROKE.leads)
