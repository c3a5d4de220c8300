"""Names of each code: its description, what clinicians write for it, and what the classification lists beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge import code_texts, descriptions, expressions, index_terms, sources


def of(codes: Sequence[Code], file: Path | None = None) -> tuple[tuple[str, ...], ...]:
    """The names of each code, each once (capitals do not matter), the description first.

    Then come those of the user's file (see `code_texts`), our expressions, the inclusion terms of the edition, and,
    where it has been fetched, the entries of the alphabetic index. A code of which nothing is known has none.
    """
    given = code_texts.of(codes, file)
    by_system = {name: expressions.load(name) for name in {code.system for code in codes}}
    index = _index() if "icd10cm" in by_system else {}
    found = []
    for code, description in zip(codes, descriptions.of(codes), strict=True):
        edition = systems.load(code.system)
        names = [description, *given.get(code, ())]
        names += [expression.text for expression in by_system[code.system].get(code, ())]
        if code in edition:
            names += edition.inclusion_terms(code)
        names += index.get(code, ())
        found.append(_distinct(names))
    return tuple(found)


def _index() -> dict[Code, list[str]]:
    """The entries of the index that lead to exactly one code, each as its titles in a row; {} where it is not here."""
    if sources.located(index_terms.SOURCE) is None:
        return {}
    found: dict[Code, list[str]] = {}
    for entry in index_terms.load().entries:
        if not entry.incomplete:
            found.setdefault(entry.code, []).append(" ".join(filter(None, entry.path)))
    return found


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    return tuple({name.casefold(): name for name in reversed(names) if name.strip()}.values())[::-1]
