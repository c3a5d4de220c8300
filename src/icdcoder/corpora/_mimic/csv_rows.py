"""One row of a CSV file as its values: quotes may stand around a value, and are doubled within it (RFC 4180)."""

from __future__ import annotations

QUOTE = ord('"')


def cut(row: bytes, columns: int) -> tuple[list[bytes | None], bytes]:
    """The values of a row but the last, and what is left of it without its line end, which `last` reads.

    None where nothing stands between two commas, not even quotes. Raises ValueError where the row has not so many
    values, or a quote is opened or closed within one.
    """
    row = row.rstrip(b"\r\n")
    found: list[bytes | None] = []
    at = 0
    for _ in range(columns - 1):
        if row[at : at + 1] == b'"':
            end = _closing(row, at)
            found.append(_unquoted(row[at + 1 : end]))
            end += 1
            if row[end : end + 1] != b",":
                raise ValueError("A value goes on after its quotes, or is the last.")
        else:
            end = row.find(b",", at)
            if end < 0:
                raise ValueError("The row has too few values.")
            found.append(_bare(row[at:end]))
        at = end + 1
    return found, row[at:]


def last(rest: bytes) -> bytes | None:
    """The last value, most often the text of a note: nobody looks for its end. Raises ValueError as `cut` does."""
    if len(rest) > 1 and rest[0] == rest[-1] == QUOTE:
        return _unquoted(rest[1:-1])
    if b"," in rest:
        raise ValueError("The row has too many values.")
    return _bare(rest)


def _closing(row: bytes, at: int) -> int:
    """Where the quote that is opened at `at` is closed."""
    end = row.find(b'"', at + 1)
    while end >= 0 and row[end + 1 : end + 2] == b'"':
        end = row.find(b'"', end + 2)
    if end < 0:
        raise ValueError("A quote is not closed.")
    return end


def _unquoted(value: bytes) -> bytes:
    pieces = value.split(b'"')
    # Where all quotes are doubled, nothing stands between the two.
    if len(pieces) % 2 == 0 or any(pieces[1::2]):
        raise ValueError("A value goes on after its quotes.")
    return b'"'.join(pieces[::2])


def _bare(value: bytes) -> bytes | None:
    if b'"' in value:
        raise ValueError("A quote is opened within a value.")
    return value or None
