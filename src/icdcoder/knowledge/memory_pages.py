"""A page of text about each code, as an encyclopaedia would have it, for models that look things up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from icdcoder.core.code import Code
from icdcoder.knowledge import code_texts, descriptions, expressions, synonyms

SUGGESTING = ("indirect",)


@dataclass(frozen=True, slots=True)
class Page:
    """title: the code's description. text: what is known of it, in one string; it begins with the title."""

    title: str
    text: str


def of(codes: Sequence[Code], file: Path | None = None) -> tuple[Page, ...]:
    """The page of each code: that of the user's file (see `code_texts`; its lines in a row), else the code's names and
    the drugs, laboratory values and procedures that suggest it. A code of which nothing is known has an empty page."""
    given = code_texts.of(codes, file)
    suggesting = {name: expressions.load(name, SUGGESTING) for name in {code.system for code in codes}}
    found = []
    for code, title, names in zip(codes, descriptions.of(codes), synonyms.of(codes), strict=True):
        lines = given.get(code) or (*names, *(e.text for e in suggesting[code.system].get(code, ())))
        found.append(Page(title, "\n".join(lines)))
    return tuple(found)
