from __future__ import annotations

import pytest

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError


def test_the_system_tells_apart_what_the_digits_do_not() -> None:
    assert Code("icd9cm", "003.1") != Code("icd9pcs", "00.31")
    assert len({Code("icd9cm", "0031"), Code("icd9pcs", "0031")}) == 2


@pytest.mark.parametrize("text", ["icd10cm:I10", "icd9cm:V58.61", "icd9pcs:00.66", "icd10pcs:02HV33Z"])
def test_text_round_trip(text: str) -> None:
    assert str(Code.parse(text)) == text


@pytest.mark.parametrize("text", ["I10", "", ":I10", "icd10cm:", "icd10cm: I10", "icd10cm:I10:2"])
def test_untyped_text_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Code.parse(text)


def test_a_number_is_no_code() -> None:
    with pytest.raises(InputError):
        Code("icd9cm", 401.9)  # pyright: ignore[reportArgumentType]
