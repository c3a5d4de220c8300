"""The first row of a table: the names of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from icdcoder.core.errors import InputError, did_you_mean
from icdcoder.corpora._mimic.raw import Rows


def header(rows: Rows) -> bytes:
    """Of the first block of a file."""
    return rows.row(0).removeprefix(b"\xef\xbb\xbf")


def column_names(header: bytes) -> list[str]:
    """In small letters."""
    return [name.strip().strip('"').lower() for name in header.decode("utf-8", "replace").split(",")]


def need(names: Sequence[str], wanted: Sequence[str], path: Path) -> None:
    """Raises InputError where a column is missing."""
    for column in wanted:
        if column not in names:
            raise InputError(
                f"{path} has no column {column!r}.{did_you_mean(column, list(names))} It has: {', '.join(names)}."
            )
