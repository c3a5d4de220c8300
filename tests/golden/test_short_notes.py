"""What the built-in coder makes of short notes of our own (short_notes.tsv), across the chapters of ICD-10-CM."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from icdcoder.coder import Coder

LINES = [
    line.split("\t")
    for line in (Path(__file__).parent / "short_notes.tsv").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
# What is still missing; a line that comes right has to leave this list.
KNOWN = {"Generalized rash as an adverse effect of amoxicillin."}


@cache
def coder() -> Coder:
    return Coder.builtin()


def faults(expected: str, note: str) -> list[str]:
    """Codes that are missing (one of several, "A|B", is enough) or forbidden ("-A") and given."""
    given = {code.code.value for code in coder().code(note).accepted}
    wanted = [part for part in expected.split() if not part.startswith("-")]
    missing = [part for part in wanted if given.isdisjoint(part.split("|"))]
    forbidden = tuple(part[1:] for part in expected.split() if part.startswith("-"))
    return missing + [value for value in given if forbidden and value.startswith(forbidden)]


@pytest.mark.parametrize(("expected", "note"), LINES, ids=lambda text: text[:30])
def test_a_short_note(expected: str, note: str) -> None:
    assert bool(faults(expected, note)) == (note in KNOWN), faults(expected, note)


def test_few_codes_are_given_that_no_one_asked_for() -> None:
    """A coder that accepts everything would pass the lines above."""
    given = [code.code.value for _, note in LINES for code in coder().code(note).accepted]
    asked = {value for expected, _ in LINES for part in expected.split() for value in part.split("|")}
    assert sum(value not in asked for value in given) < 0.1 * len(given)
