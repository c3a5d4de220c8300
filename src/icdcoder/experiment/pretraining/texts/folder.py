"""A folder of text files, those in folders below it too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
        try:
            yield path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise InputError(f"{path} is not a text file in UTF-8.") from None
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.") from None
