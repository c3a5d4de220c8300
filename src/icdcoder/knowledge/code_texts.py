"""Texts about codes that the user brings: one line a text, the code before it.

    icd9cm:401.9<TAB>High arterial blood pressure of unknown cause …

A code may have several lines. Empty lines and lines that begin with # are passed over.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from icdcoder.core import text_file
from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.knowledge import expressions


def read(path: Path) -> dict[Code, tuple[str, ...]]:
    """{code: its texts, in order}. Codes need not be in an edition, so that those of another one can be described.

    Raises InputError that names the file, and the line where one is malformed.
    """
    found: dict[Code, list[str]] = {}
    for number, line in text_file.entries(text_file.read(path)):
        code, tab, words = line.partition("\t")
        if not tab or not words.strip():
            raise InputError(f"{path}, line {number}: it should be a code, a tab and a text.")
        kind, second, _ = words.partition("\t")
        if second and kind.strip() in expressions.KINDS:
            raise InputError(
                f"{path}, line {number}: this is a line of a file of expressions, not a text about a code."
            )
        try:
            found.setdefault(Code.parse(code.strip()), []).append(" ".join(words.split()))
        except InputError as error:
            raise InputError(f"{path}, line {number}: {error}") from None
    return {code: tuple(texts) for code, texts in found.items()}


def of(codes: Collection[Code], file: Path | None) -> dict[Code, tuple[str, ...]]:
    """What the file says; {} where there is none. Raises InputError where it says nothing of any of these codes, as
    one of another system or edition does."""
    given = {} if file is None else read(file)
    if file is not None and codes and given.keys().isdisjoint(codes):
        theirs = f"it begins with {next(iter(given))}" if given else "it is empty"
        raise InputError(
            f"{file} has a text for none of the {len(codes)} codes, such as {next(iter(codes))}; {theirs}."
        )
    return given
