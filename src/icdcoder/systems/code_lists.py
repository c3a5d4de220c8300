"""Codes that were never seen: from a file, or those beside the codes that were."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from icdcoder import systems
from icdcoder.core import text_file
from icdcoder.core.code import Code
from icdcoder.core.errors import IcdcoderError, InputError


def read(path: Path) -> tuple[Code, ...]:
    """Typed codes, one a line ("icd9cm:401.9"); # begins a comment. Raises InputError that names the line."""
    found: dict[Code, None] = {}
    for number, line in enumerate(text_file.read(path).splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            code = Code.parse(words[0])
            found[systems.load(code.system).canonical(code.value)] = None
        except IcdcoderError as error:
            raise InputError(f"{path}, line {number}: {error}") from None
    if not found:
        raise InputError(f"{path} holds no code.")
    return tuple(found)


def siblings(codes: Iterable[Code]) -> tuple[Code, ...]:
    """The billable codes of the categories of these codes, sorted. A code that its system does not know has none."""
    categories = set()
    for code in codes:
        system = systems.load(code.system)
        if code in system:
            categories.add(system.category(code))
    found = set()
    for category in categories:
        system = systems.load(category.system)
        found |= {code for code in (category, *system.descendants(category)) if system.is_billable(code)}
    return tuple(sorted(found))
