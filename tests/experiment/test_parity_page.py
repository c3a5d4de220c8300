"""docs/parity.md against the maps of names: every name that the code knows is on the page, under its model."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest

from icdcoder.core import components
from icdcoder.models.reference import _patterns

PAGE = (Path(__file__).parents[2] / "docs" / "parity.md").read_text(encoding="utf-8")
KINDS = [name for name in components.names("models.reference") if not name.startswith("_")]
# What `put_together` makes of names that are in the file.
IN_THE_FILE = {
    "attention.third_linears.1.of_note": "attention.third_linears.1.weight",
    "attention.third_linears.1.of_categories": "attention.third_linears.1.weight",
    "fcs.weight": "fcs.7.weight",
    "fcs.bias": "fcs.7.bias",
}
Row = tuple[list[str], list[str]]


def tables(part: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(first cell of the heading, rows of two cells) of each table behind a heading."""
    text = PAGE.partition(f"\n## {part}\n")[2].partition("\n## ")[0]
    found = []
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in block.splitlines()]
        found.append((lines[0][0], [(cells[0], cells[1] if len(cells) > 1 else "") for cells in lines[2:]]))
    return found


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def rows(kind: str) -> list[Row]:
    """Of a model's own table, then of the one that it names as its own too."""
    for heading, lines in tables("Names"):
        own, _, more = heading.partition(":")
        if kind in re.findall(r"\w+", own.partition(", the ")[0].partition(", one ")[0]):
            found = [(quoted(left), quoted(right)) for left, right in lines]
            other = re.match(r" (\w+)'s", more)
            return found + rows(other[1]) if other else found
    pytest.fail(f"docs/parity.md has no table of the names of {kind}")


def samples(pattern: str) -> list[str]:
    """Names that a pattern fits: one for each of its alternatives."""
    wild = {r"(\d+)": "7", r"\d": "7", r"(\w+)": "weight_ih_l0", "(.+)": "layer.0.weight", ".*": "dense.weight"}
    for part, example in wild.items():
        pattern = pattern.replace(part, example)
    if "(" not in pattern:
        return [name.replace("\\", "") for name in pattern.split("|")]
    found = []
    for whole in re.split(r"\|(?![^(]*\))", pattern):
        parts = [part.split("|") for part in re.split(r"\((?:\?:)?([^)]*)\)", whole)]
        found += ["".join(chosen).replace("\\", "") for chosen in product(*parts)]
    return found


def known(reference: ModuleType) -> dict[str, str | None]:
    """Names of the file → ours, by the map."""
    patterns: _patterns.Patterns = getattr(reference, "PATTERNS", None) or reference.ENTITIES
    return _patterns.by_patterns([name for pattern, _ in patterns for name in samples(pattern)], patterns)


def fits(name: str, told: str) -> re.Match[str] | None:
    escaped = re.escape(told).replace("…", "(.+)").replace("WIDTH", r"\d+")
    return re.fullmatch(re.sub(r"(?<![A-Za-z])N(?![A-Za-z])", r"\\d+", escaped), name)


def answer(name: str, page: list[Row]) -> tuple[str, list[str]]:
    """What the page says of a name of the file: by which of its names, and what it becomes."""
    for left, right in page:
        for place, told in enumerate(left):
            if match := fits(name, told):
                chosen = [right[place]] if len(left) == len(right) else right
                return told, [one.replace("…", match[1]) if match.groups() else one for one in chosen]
    pytest.fail(f"docs/parity.md does not say what becomes of {name}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_is_on_the_page_as_the_map_has_it(kind: str) -> None:
    page = rows(kind)
    for name, ours in known(components.load("models.reference", kind)).items():
        _, told = answer(IN_THE_FILE.get(name, name), page)
        if ours is None:
            assert not told, name
        else:
            assert any(fits(ours, one) for one in told), f"{name} becomes {ours}; the page says {told}"


@pytest.mark.parametrize("heading", [heading for heading, _ in tables("Names")])
def test_the_page_has_no_name_that_no_map_knows(heading: str) -> None:
    kinds = [kind for kind in KINDS if kind in re.findall(r"\w+", heading.partition(":")[0])]
    used = set()
    for kind in kinds:
        names = known(components.load("models.reference", kind))
        used |= {answer(IN_THE_FILE.get(name, name), rows(kind))[0] for name in names}
    told = {one for title, lines in tables("Names") if title == heading for left, _ in lines for one in quoted(left)}
    assert kinds
    assert told <= used


@pytest.mark.parametrize("part", ["Importing weights", "Settings that repeat the authors' forward pass"])
def test_every_model_has_a_line_in_each_table(part: str) -> None:
    assert {kind for _, lines in tables(part) for left, _ in lines for kind in quoted(left)} == set(KINDS)
