"""The word rules: each token re-reads itself at its offsets."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.text.tokens import Tokens, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Aspirin 325 mg p.o.", ["aspirin", "mg", "p", "o"]),
        ("250mg of 1_2 and __", ["250mg", "of", "1_2", "and", "__"]),
        ("[**2151-7-16**] at [**Hospital1 18**]", ["at", "hospital1"]),
        ("½ ² Ⅳ x", ["x"]),
        ("Ménière’s", ["ménière", "s"]),
        ("", []),
    ],
)
def test_the_rule_of_caml(text: str, expected: list[str]) -> None:
    assert words(text).texts == expected


@given(st.text(max_size=200))
def test_each_token_re_reads_itself(text: str) -> None:
    tokens = words(text)
    assert tokens.offsets.shape == (len(tokens), 2)
    assert tokens.offsets.dtype == np.int32
    assert [text[s:e].lower() for s, e in tokens.offsets] == tokens.texts


@given(st.text(max_size=200))
def test_as_the_authors_write_it(text: str) -> None:
    found = [token for token in re.findall(r"\w+", text) if not token.isnumeric()]
    assert words(text).texts == [token.lower() for token in found]


def test_patient_text_is_not_in_the_repr() -> None:
    assert "aspirin" not in repr(Tokens(["aspirin"], np.zeros((1, 2), dtype=np.int32)))
