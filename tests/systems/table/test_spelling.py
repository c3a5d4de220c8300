from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.core.errors import InputError
from icdcoder.systems.table import spelling
from icdcoder.systems.table.spelling import ICD9CM, ICD9PCS, ICD10CM, ICD10PCS, Spelling, undotted

SPELLINGS = [ICD9CM, ICD9PCS, ICD10CM, ICD10PCS]


@st.composite
def bare_codes(draw: st.DrawFn) -> tuple[Spelling, str]:
    """A system and an undotted text of its form; leading and trailing zeros come up often."""
    rule = draw(st.sampled_from(SPELLINGS))
    bare = draw(st.from_regex(rule.form, fullmatch=True))
    zeros = draw(st.sampled_from(["", "0", "00"]))
    longer = bare + zeros
    return rule, longer if rule.form.fullmatch(longer) else bare


@given(bare_codes())
def test_dotting_and_undotting_round_trip(case: tuple[Spelling, str]) -> None:
    rule, bare = case
    dotted = rule.dotted(bare)
    assert undotted(dotted) == bare
    assert rule.dotted(dotted) == dotted


@given(bare_codes(), st.sampled_from(["", " ", "\t", "\n", "  "]))
def test_case_and_surrounding_space_do_not_matter(case: tuple[Spelling, str], space: str) -> None:
    rule, bare = case
    assert rule.dotted(space + rule.dotted(bare).lower() + space) == rule.dotted(bare)


@given(bare_codes())
def test_the_dot_never_stands_at_the_end(case: tuple[Spelling, str]) -> None:
    rule, bare = case
    assert not rule.dotted(bare).endswith(".")


@given(bare_codes(), st.integers(0, 7))
def test_a_dot_in_another_place_is_refused(case: tuple[Spelling, str], place: int) -> None:
    rule, bare = case
    right = rule.dot_after(bare) if rule.dot_after else None
    text = bare[:place] + "." + bare[place:]
    if min(place, len(bare)) == right:
        assert rule.dotted(text) == rule.dotted(bare)
    else:
        with pytest.raises(InputError):
            rule.dotted(text)


@pytest.mark.parametrize(
    ("rule", "raw", "spelled"),
    [
        (ICD9CM, "25000", "250.00"),
        (ICD9CM, "0031", "003.1"),
        (ICD9CM, "042", "042"),
        (ICD9CM, "3451", "345.1"),
        (ICD9CM, "34510", "345.10"),
        (ICD9CM, "V4581", "V45.81"),
        (ICD9CM, "v45", "V45"),
        (ICD9CM, "E8859", "E885.9"),
        (ICD9CM, "E885", "E885"),
        (ICD9CM, "E0000", "E000.0"),
        (ICD9CM, "401.", "401"),
        (ICD9PCS, "0066", "00.66"),
        (ICD9PCS, "0031", "00.31"),
        (ICD9PCS, "389", "38.9"),
        (ICD9PCS, "38", "38"),
        (ICD10CM, "i10", "I10"),
        (ICD10CM, "S72001A", "S72.001A"),
        (ICD10CM, "t36.0x1a", "T36.0X1A"),
        (ICD10CM, "QA00", "QA0.0"),
        (ICD10PCS, "02hv33z", "02HV33Z"),
        (ICD10PCS, "bw03", "BW03"),
    ],
)
def test_each_system_has_its_own_dot(rule: Spelling, raw: str, spelled: str) -> None:
    assert rule.dotted(raw) == spelled


@pytest.mark.parametrize(
    ("rule", "raw"),
    [
        (ICD9CM, ""),
        (ICD9CM, "."),
        (ICD9CM, "31"),
        (ICD9CM, "38.93"),
        (ICD9CM, "E88.59"),
        (ICD9CM, "V458.1"),
        (ICD9CM, "250 00"),
        (ICD9CM, "2500000"),
        (ICD9CM, "٢٥٠"),
        (ICD9PCS, "428.0"),
        (ICD9PCS, "V45"),
        (ICD10CM, "E1.19"),
        (ICD10CM, "E11..9"),
        (ICD10CM, "E11.-"),
        (ICD10CM, "11.9"),
        (ICD10PCS, "02H.V33Z"),
        (ICD10PCS, "02HV33O"),
        (ICD10PCS, "02"),
    ],
)
def test_what_cannot_be_a_code_is_refused_with_an_example(rule: Spelling, raw: str) -> None:
    with pytest.raises(InputError, match=re.escape(rule.example)):
        rule.dotted(raw)


@pytest.mark.parametrize("raw", [250, 3.1, None, b"I10"])
def test_a_number_is_refused_since_its_zeros_are_lost(raw: object) -> None:
    with pytest.raises(InputError, match="is text") as caught:
        ICD9CM.dotted(raw)  # pyright: ignore[reportArgumentType]
    assert "250" not in str(caught.value)


def test_no_error_shows_what_may_be_text_of_a_patient() -> None:
    with pytest.raises(InputError) as caught:
        ICD10CM.dotted("Mr Example was admitted with chest pain")
    assert "Example" not in str(caught.value)
    assert len("02HV33Z ") <= spelling.LONGEST_SHOWN
