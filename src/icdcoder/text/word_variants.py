"""One word for a family of words: "hepatic" is "liver", "infarcted" is "infarct", where terms and notes are compared.

The families are data (text/data/word_variants.txt). Only whole words are joined, never endings: an ending that makes
an adjective of one noun makes another condition of the next.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

DATA = Path(str(files("icdcoder.text"))) / "data" / "word_variants.txt"


def joined(word: str) -> str:
    """The word that stands for this one's family; a word of no family stands for itself. `word`: in normal form."""
    return _families().get(word, word)


def variants() -> frozenset[str]:
    """All words that another one stands for."""
    return frozenset(_families())


@lru_cache(maxsize=1)
def _families() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in DATA.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            first, *others = line.split()
            for word in others:
                found.setdefault(word, first)
    return found
