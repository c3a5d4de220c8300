"""A quote is found where it stands, whatever blanks and case the model made of it, and only there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.predictors.prompting.quotes import Searchable

NOTE = (
    "Straße 5.\r\n  Pt’s   Hypertension\n and CHF – stable. Chronic café-au-lait. HTNX. Left leg fracture of the tibia."
)


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("Hypertension and CHF", ["Hypertension\n and CHF"]),
        ("pt's hypertension", ["Pt’s   Hypertension"]),
        ('"CHF - stable."', ["CHF – stable"]),
        ("strasse 5", ["Straße 5"]),
        ("Hypertension ... stable", ["Hypertension", "stable"]),
        ("Hypertension … asthma", []),
        ("HTN", []),
        ("tension", []),
        ("5", []),
        ("", []),
        ("...", []),
        ("asthma", []),
    ],
)
def test_examples(quote: str, found: list[str]) -> None:
    assert [NOTE[start:end] for start, end in Searchable.of(NOTE).find(quote)] == found


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_what_is_found_says_the_same(text: str, a: int, b: int) -> None:
    quote = text[min(a, b) : max(a, b)]
    for start, end in Searchable.of(text).find(quote):
        assert 0 <= start < end <= len(text)
        assert Searchable.of(text[start:end]).text.strip()[:1] in Searchable.of(quote).text
