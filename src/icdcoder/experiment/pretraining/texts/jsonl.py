"""One JSON object a line, the text in one of its columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from icdcoder.core.config import Settings
from icdcoder.core.errors import InputError


class Config(Settings):
    path: Path
    column: str = "text"


def texts(config: Config) -> Iterator[str]:
    """Raises InputError, naming the line, where one is no object with the column."""
    try:
        with config.path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _text(line, config, number)
    except OSError as error:
        raise InputError(f"{config.path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{config.path} is not a text file in UTF-8.") from None


def _text(line: str, config: Config, number: int) -> str:
    try:
        row = json.loads(line)
    except ValueError:
        raise InputError(f"{config.path}, line {number}: this is no JSON.") from None
    found = row.get(config.column) if isinstance(row, dict) else None
    if not isinstance(found, str):
        raise InputError(f"{config.path}, line {number}: there is no text in the column {config.column!r}.")
    return found
