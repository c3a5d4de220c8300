"""One row of a CSV file as its values: quotes may stand around a value, and are doubled within it (RFC 4180)."""

from __future__ import annotations

import re
from functools import cache

_SKIPPED = rb'(?:"(?:[^"]++|"")*+"|[^",]*+),'
_WANTED = rb'(?:"((?:[^"]++|"")*+)"|([^",]*+)),'


@cache
def _values(count: int, wanted: tuple[int, ...]) -> re.Pattern[bytes]:
    """So many values, each with the comma after it. Of those wanted two groups: what quotes hold, and what is bare."""
    return re.compile(b"".join(_WANTED if i in wanted else _SKIPPED for i in range(count)))


def cut(data: bytearray, start: int, end: int, columns: int, wanted: tuple[int, ...]) -> tuple[list[bytes | None], int]:
    """Values of the row `data[start:end]`, of which the last is not to be had, and where the last begins.

    wanted: which, rising. None where nothing stands between two commas, not even quotes. Raises ValueError where the
    row has not so many values, or a quote is opened or closed within one.
    """
    match = _values(columns - 1, wanted).match(data, start, end)
    if match is None:
        raise ValueError("The row has too few values, or a quote stands within one.")
    groups = match.groups()
    found = [
        (bare or None) if quoted is None else quoted.replace(b'""', b'"')
        for quoted, bare in zip(groups[::2], groups[1::2], strict=True)
    ]
    return found, match.end()


def last(data: bytearray, start: int, end: int) -> bytes | None:
    """The last value of a row that ends at `end`, most often the text of a note: nobody looks for the value's end.

    Raises ValueError as `cut` does.
    """
    while end > start and data[end - 1] in b"\r\n":
        end -= 1
    quoted = end - start > 1 and data[start] == data[end - 1] == ord('"')
    with memoryview(data) as view:
        value = bytes(view[start + 1 : end - 1] if quoted else view[start:end])
    if not quoted:
        if b"," in value or b'"' in value:
            raise ValueError("The row has too many values, or a quote stands within one.")
        return value or None
    # Splitting is several times as quick as looking for two quotes. Nothing stands between those that are doubled.
    pieces = value.split(b'"')
    if len(pieces) == 1:
        return value
    if len(pieces) % 2 == 0 or any(pieces[1::2]):
        raise ValueError("A value goes on after its quotes.")
    return b'"'.join(pieces[::2])
