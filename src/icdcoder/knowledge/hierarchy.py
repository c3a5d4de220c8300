"""What stands above the codes of a label space: chapter → block → category → code, as arrays of indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icdcoder import systems
from icdcoder.core.code import Code
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


def chain(codes: Sequence[Code]) -> tuple[Level, ...]:
    """The four LEVELS above and with `codes`; node i of the last one is codes[i]. Only nodes with a code are there.

    Where the classification has no block between chapter and category, the chapter is its own only block. A code that
    the edition does not hold stands where the nearest code above it stands, by its spelling ("40.7" below "40"); where
    there is none either, it stands in a chapter of unknown codes of its system.
    """
    paths = [_path(code, systems.load(code.system)) for code in codes]
    levels: list[Level] = []
    places: dict[str, int] = {}
    for depth, kind in enumerate(LEVELS):
        above, places = places, {}
        parents: list[int] = []
        for path in paths:
            name = path[depth]
            if name not in places:
                places[name] = len(places)
                parents.append(above[path[depth - 1]] if depth else 0)
        levels.append(Level(kind, tuple(places), np.array(parents, dtype=np.int64)))
    return tuple(levels)


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
