"""TOML files that come with icdcoder, by name: those of the folder tables/ of a package."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from icdcoder.core.errors import ConfigError, did_you_mean

ENDING = ".toml"


def names(package: str) -> list[str]:
    """Sorted; without those that begin with an underscore, which others are made of."""
    found = (file.name.removesuffix(ENDING) for file in _folder(package).iterdir() if file.name.endswith(ENDING))
    return sorted(name for name in found if not name.startswith("_"))


def read(package: str, name: str) -> dict[str, Any]:
    return tomllib.loads((_folder(package) / f"{name}{ENDING}").read_text(encoding="utf-8"))


def known(name: str, among: Sequence[str], what: str) -> str:
    """The name. Raises ConfigError (did you mean …) where it is none of these."""
    if name not in among:
        raise ConfigError(f"There is no {what} {name!r}.{did_you_mean(name, list(among))} Known: {', '.join(among)}.")
    return name


def _folder(package: str) -> Any:
    return files(package) / "tables"
