from __future__ import annotations

import pytest

from icdcoder.predictors.dictionary.read_off.receptors import receptors


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Breast cancer, ER+/PR+/HER2-.", ["Z17.0"]),
        ("invasive ductal carcinoma, ER/PR positive", ["Z17.0"]),
        ("breast carcinoma: estrogen receptor 95%", ["Z17.0"]),
        ("breast cancer, oestrogen receptors were strongly positive", ["Z17.0"]),
        ("breast cancer positive for estrogen and progesterone receptors", ["Z17.0"]),
        ("Breast cancer, ER negative", ["Z17.1"]),
        ("triple-negative breast cancer", ["Z17.1"]),
        ("breast cancer, ER 0%", ["Z17.1"]),
        ("breast pain, seen in the ER - negative mammogram", []),
        ("colon cancer, ER positive", []),
    ],
)
def test_the_receptors_of_a_breast_cancer(text: str, codes: list[str]) -> None:
    found = list(receptors(text))
    assert [code.value for _, _, code in found] == codes
    assert all(text[start:end].strip() == text[start:end] for start, end, _ in found)
