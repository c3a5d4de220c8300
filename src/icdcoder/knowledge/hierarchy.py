"""What stands above the codes of a label space: chapter → block → category → code, as arrays of indices.

The user may bring another tree, one line a code, of which empty lines and lines that begin with # are passed over:

    icd9cm:401.9<TAB>chapter<TAB>block<TAB>category
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from icdcoder import systems
from icdcoder.core import text_file
from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.systems import CodeSystem

LEVELS = ("chapter", "block", "category", "code")


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the chain.

    names: of its nodes, in the order in which the codes of the space first need them ("icd9cm block 401-405",
    "icd9cm:401"). parents: for each node the index of the node above it, in the level above; 0 on the first level.
    """

    kind: str
    names: tuple[str, ...]
    parents: npt.NDArray[np.int64]


def chain(codes: Sequence[Code], file: Path | None = None) -> tuple[Level, ...]:
    """The four LEVELS above and with `codes`; node i of the last one is codes[i]. Only nodes with a code are there.

    file: of another tree than the editions' (see above); a code that it does not name stands where its edition has it.
    Raises InputError where it names none of these codes, or where it and an edition disagree on a node of both.

    Where the classification has no block between chapter and category, the chapter is its own only block. A code that
    the edition does not hold stands where the nearest code above it stands, by its spelling ("40.7" below "40"); where
    there is none either, it stands in a chapter of unknown codes of its system.
    """
    given = {} if file is None else read(file)
    if file is not None and codes and given.keys().isdisjoint(codes):
        raise InputError(f"{file} has a place for none of the {len(codes)} codes, such as {codes[0]}.")
    paths = [given.get(code) or _path(code, systems.load(code.system)) for code in codes]
    levels: list[Level] = []
    places: dict[str, int] = {}
    for depth, kind in enumerate(LEVELS):
        above, places = places, {}
        parents: list[int] = []
        for path in paths:
            name = path[depth]
            parent = above[path[depth - 1]] if depth else 0
            if name not in places:
                places[name] = len(places)
                parents.append(parent)
            elif parents[places[name]] != parent:
                raise InputError(f"{file} and the edition put {name!r} below different nodes: name it otherwise there.")
        levels.append(Level(kind, tuple(places), np.array(parents, dtype=np.int64)))
    return tuple(levels)


def read(file: Path) -> dict[Code, tuple[str, str, str, str]]:
    """{code: the names of its nodes, from the chapter to itself}. Codes need not be in an edition.

    Raises InputError that names the file and the line where one is malformed, or puts a block or a category below
    another node than a line before it did.
    """
    found: dict[Code, tuple[str, str, str, str]] = {}
    below: dict[tuple[int, str], tuple[int, str]] = {}
    for number, line in text_file.entries(text_file.read(file)):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != len(LEVELS) or not all(cells):
            raise InputError(f"{file}, line {number}: it should be a code, a chapter, a block and a category, by tabs.")
        try:
            code = Code.parse(cells[0])
        except InputError as error:
            raise InputError(f"{file}, line {number}: {error}") from None
        chapter, block, category = cells[1:]
        for depth, (name, above) in enumerate(((block, chapter), (category, block)), start=1):
            if below.setdefault((depth, name), (number, above))[1] != above:
                first, other = below[(depth, name)]
                raise InputError(
                    f"{file}, line {number}: the {LEVELS[depth]} {name!r} is below {above!r}, and below {other!r} on "
                    f"line {first}. A node has one node above it."
                )
        found[code] = (chapter, block, category, str(code))
    return found


def ancestor_of_codes(levels: Sequence[Level], kind: str) -> npt.NDArray[np.int64]:
    """For each code the index of its node on the level of this kind."""
    found = np.arange(len(levels[-1].names))
    for level in reversed(levels):
        if level.kind == kind:
            return found
        found = level.parents[found]
    raise ValueError(f"{kind!r} is none of {LEVELS}")


def edges(levels: Sequence[Level]) -> list[tuple[str, str]]:
    """(node, node above it) for all nodes; the chapters are below one root, "". A code that is its own category, or a
    chapter that is its own block, is one node."""
    found: dict[tuple[str, str], None] = {}
    for depth, level in enumerate(levels):
        for name, parent in zip(level.names, level.parents, strict=True):
            above = levels[depth - 1].names[parent] if depth else ""
            if name != above:
                found[(name, above)] = None
    return list(found)


def _path(code: Code, system: CodeSystem) -> tuple[str, str, str, str]:
    known = _nearest(code, system)
    if known is None:
        unknown = f"{code.system} unknown"
        return unknown, unknown, f"{code.system}:{code.value.partition('.')[0]}", str(code)
    category = str(system.category(known))
    chapter, block = system.chapter(known), system.block(known)
    above = f"{code.system} chapter {chapter.id}"
    return above, above if block is None else f"{code.system} block {block.id}", category, str(code)


def _nearest(code: Code, system: CodeSystem) -> Code | None:
    for end in range(len(code.value), 1, -1):
        value = code.value[:end].rstrip(".")
        if value and Code(code.system, value) in system:
            return Code(code.system, value)
    return None
