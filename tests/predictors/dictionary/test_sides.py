from __future__ import annotations

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.sides import sided
from icdcoder.predictors.dictionary.words import SIDES


def test_one_of_two_is_told_by_either_side() -> None:
    sides = sided(systems.load("icd10cm"))
    cords = sides[Code("icd10cm", "J38.00")]
    assert {side: code.value for side, code in cords.items()} == {1: "J38.01", 2: "J38.01", 3: "J38.02"}
    assert sides[Code("icd10cm", "C50.919")][SIDES["left"]].value == "C50.912"
