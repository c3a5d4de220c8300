from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

from icdcoder.knowledge.shipped import FOLDER

PAGE = Path(__file__).parents[2] / "docs/dictionary.md"


def test_the_page_names_every_table() -> None:
    named = PAGE.read_text(encoding="utf-8").replace("`", " ").replace(",", " ").split()
    tables = [path.name for path in FOLDER.iterdir() if path.is_file()]
    assert len(tables) > 15
    assert [name for name in tables if not any(fnmatch(name, pattern) for pattern in named)] == []
