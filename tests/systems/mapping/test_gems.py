from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.errors import InputError, UnknownCodeError
from icdcoder.systems.mapping import CodeMapping, map_codes


def test_one_code_to_one() -> None:
    source, target = Code("icd9cm", "250.00"), Code("icd10cm", "E11.9")
    assert map_codes(source, "icd10cm") == (CodeMapping(source, target, True, False, False, 0, 0),)
    assert map_codes(target, "icd9cm") == (CodeMapping(target, source, True, False, False, 0, 0),)


def test_exact_equivalents_say_so() -> None:
    (row,) = map_codes(Code("icd9cm", "001.0"), "icd10cm")
    assert row.target == Code("icd10cm", "A00.0")
    assert not row.approximate


def test_one_code_to_many() -> None:
    rows = map_codes(Code("icd9cm", "410.71"), "icd10cm")
    assert [row.target.value for row in rows if row.target] == ["I21.4"]
    rows = map_codes(Code("icd10cm", "I21.4"), "icd9cm")
    assert Code("icd9cm", "410.71") in [row.target for row in rows]


def test_a_combination_takes_one_target_of_each_list() -> None:
    rows = map_codes(Code("icd9cm", "115.11"), "icd10cm")
    assert [(row.target, row.combination, row.scenario, row.choice_list) for row in rows] == [
        (Code("icd10cm", "B39.5"), True, 1, 1),
        (Code("icd10cm", "G02"), True, 1, 2),
    ]


def test_a_code_without_an_equivalent_has_no_target() -> None:
    (row,) = map_codes(Code("icd10cm", "R40.2130"), "icd9cm")
    assert row.no_map
    assert row.target is None


def test_e_and_v_codes_are_mapped_by_their_spelling() -> None:
    assert Code("icd10cm", "Z95.1") in [row.target for row in map_codes(Code("icd9cm", "V45.81"))]
    assert all(row.target is None or row.target.system == "icd10cm" for row in map_codes(Code("icd9cm", "E885.9")))


def test_headers_and_younger_codes_are_known_and_unmapped() -> None:
    assert map_codes(Code("icd9cm", "401"), "icd10cm") == ()
    assert map_codes(Code("icd10cm", "E11.A"), "icd9cm") == ()


def test_codes_that_have_left_the_edition_are_mapped_still() -> None:
    old = Code("icd10cm", "H40.11X0")
    assert old not in systems.load("icd10cm")
    assert [row.target for row in map_codes(old)] == [Code("icd9cm", "365.11")]


def test_unknown_codes_and_pairs_are_refused() -> None:
    with pytest.raises(UnknownCodeError, match=r"999\.98"):
        map_codes(Code("icd9cm", "999.98"), "icd10cm")
    with pytest.raises(InputError, match="icd9cm to icd10cm"):
        map_codes(Code("icd9pcs", "38.93"), "icd10pcs")


def test_procedures_have_no_rows_where_no_target_is_named() -> None:
    assert map_codes(Code("icd9pcs", "38.93")) == ()


def test_a_mapping_there_and_back_comes_home_for_most_codes() -> None:
    home = away = 0
    for code in systems.load("icd9cm").billable():
        if code.value < "390" or code.value > "429":
            continue
        for row in map_codes(code, "icd10cm"):
            if row.target is not None:
                away += 1
                home += code in [back.target for back in map_codes(row.target, "icd9cm")]
    assert away > 200
    assert home / away > 0.4
