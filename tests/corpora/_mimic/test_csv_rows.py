"""A row is cut as Python's csv module cuts it, but for what is no CSV, which is refused."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.corpora._mimic.csv_rows import cut, last

VALUES = st.lists(st.text(st.sampled_from('ab", \nÿ'), max_size=8), min_size=2, max_size=6)


def values(row: bytes, columns: int) -> list[bytes | None]:
    data = bytearray(b'"before",1\n' + row + b'"after",2\n')
    start, end = 11, 11 + len(row)
    first, at = cut(data, start, end, columns, tuple(range(columns - 1)))
    return [*first, last(data, at, end)]


@given(VALUES, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.sampled_from(["\n", "\r\n"]))
def test_what_was_written_comes_back(row: list[str], quoting: int, line_end: str) -> None:
    file = StringIO(newline="")
    csv.writer(file, quoting=quoting, lineterminator=line_end).writerow(row)
    found = values(file.getvalue().encode(), len(row))
    assert [(value or b"").decode() for value in found] == row
    assert [value is None for value in found] == [not value and quoting == csv.QUOTE_MINIMAL for value in row]


@given(VALUES, st.data())
def test_some_values_are_those_of_all(row: list[str], data: st.DataObject) -> None:
    file = StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerow(row)
    body = bytearray(file.getvalue().encode())
    wanted = tuple(sorted(data.draw(st.sets(st.integers(0, len(row) - 2)))))
    found, at = cut(body, 0, len(body), len(row), wanted)
    assert [(value or b"").decode() for value in found] == [row[i] for i in wanted]
    assert (last(body, at, len(body)) or b"").decode() == row[-1]


@given(VALUES, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.sampled_from([-1, 1]))
def test_another_number_of_values_is_refused(row: list[str], quoting: int, more: int) -> None:
    file = StringIO(newline="")
    csv.writer(file, quoting=quoting, lineterminator="\n").writerow(row)
    with pytest.raises(ValueError, match=r"value|quote"):
        values(file.getvalue().encode(), len(row) + more)


@pytest.mark.parametrize(
    "row", [b'"a"b,c\n', b'a"b",c\n', b'1,"a" \n', b'1, "a"\n', b'"a""b"c,1\n', b'1,"a"b"c"\n', b'1,"a\n', b'"a,1\n']
)
def test_quotes_within_a_value_are_refused(row: bytes) -> None:
    with pytest.raises(ValueError, match=r"value|quote"):
        values(row, 2)
