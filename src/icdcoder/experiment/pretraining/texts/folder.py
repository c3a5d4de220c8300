"""A folder of text files, those in folders below it too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from icdcoder.core import text_file
from icdcoder.core.config import Settings
from icdcoder.core.errors import InputError


class Config(Settings):
    path: Path
    pattern: str = "*.txt"


def texts(config: Config) -> Iterator[str]:
    """In the order of their names. Raises InputError where there is no such file, or one is not UTF-8."""
    paths = sorted(path for path in config.path.rglob(config.pattern) if path.is_file())
    if not paths:
        raise InputError(f"{config.path} holds no file {config.pattern}.")
    for path in paths:
        yield text_file.read(path)
