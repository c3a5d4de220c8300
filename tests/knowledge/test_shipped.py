from __future__ import annotations

from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

import pytest

from icdcoder.knowledge.shipped import FOLDER, lines

PAGE = Path(__file__).parents[2] / "docs/dictionary.md"
TABLES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.suffix in (".tsv", ".txt"))


def test_the_page_names_every_table() -> None:
    named = PAGE.read_text(encoding="utf-8").replace("`", " ").replace(",", " ").split()
    tables = [path.name for path in FOLDER.iterdir() if path.is_file()]
    assert len(tables) > 15
    assert [name for name in tables if not any(fnmatch(name, pattern) for pattern in named)] == []


@pytest.mark.parametrize("name", TABLES)
def test_no_line_stands_twice(name: str) -> None:
    assert [line for line, count in Counter(lines(name)).items() if count > 1] == []
