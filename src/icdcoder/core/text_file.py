"""Text files that the user names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from icdcoder.core.errors import InputError


def read(path: Path) -> str:
    """The text, without the mark that some editors put first. Raises InputError where it cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a text file in UTF-8.") from None


def entries(text: str) -> Iterator[tuple[int, str]]:
    """(number from 1, line) of the lines that say something: not of empty ones, nor of those that begin with #."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line.rstrip("\r")
