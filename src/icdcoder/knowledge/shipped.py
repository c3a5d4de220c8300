"""The small tables that come with icdcoder (knowledge/data): lines without comments, cells between tabs."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

FOLDER = Path(str(files("icdcoder.knowledge"))) / "data"


def lines(name: str) -> list[str]:
    """Of FOLDER/name, in its order."""
    return [line for line in (FOLDER / name).read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]


def rows(name: str) -> list[list[str]]:
    return [line.split("\t") for line in lines(name)]
