from __future__ import annotations

from datetime import date

import pytest

from icdcoder.decide._constraints.service import fiscal_year, stated_date

TODAY = date(2026, 1, 15)


@pytest.mark.parametrize(
    ("text", "served"),
    [
        ("Discharge Date: 2018-05-01\nA note.", date(2018, 5, 1)),
        ("Admission Date:  4/28/2018     \nDischarge Date: 5/1/2018\n", date(2018, 5, 1)),
        ("DATE OF SERVICE: 2017-11-30", date(2017, 11, 30)),
        ("Discharge Date: 2151-07-16", None),  # moved by de-identification
        ("Discharge Date: 2009-05-01", None),  # before ICD-10-CM
        ("Discharge Date: 2018-13-45", None),
        ("He was seen on 2018-05-01.", None),
        ("", None),
    ],
)
def test_the_date_in_the_heading(text: str, served: date | None) -> None:
    assert stated_date(text, TODAY) == served


def test_a_fiscal_year_begins_in_october() -> None:
    assert (fiscal_year(date(2018, 9, 30)), fiscal_year(date(2018, 10, 1))) == (2018, 2019)
