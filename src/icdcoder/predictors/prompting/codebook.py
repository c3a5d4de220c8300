"""The codes that may be answered: one or two code systems, perhaps a label space of them, and the tree above."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.errors import IcdcoderError
from icdcoder.systems import CodeSystem, Heading

PARTS = {"icd10cm": ("icd10cm",), "icd9cm": ("icd9cm", "icd9pcs")}


@dataclass(frozen=True)
class Node:
    """A place in the tree. code: None for chapters and blocks."""

    title: str
    heading: tuple[str, str] | None = None
    code: Code | None = None


@dataclass(frozen=True)
class Codebook:
    """name: "icd10cm", or "icd9cm" with its procedures. only: the codes that may be answered; None for all billable."""

    name: str
    only: tuple[Code, ...] | None = None

    @cached_property
    def systems(self) -> tuple[CodeSystem, ...]:
        return tuple(systems.load(name) for name in PARTS[self.name])

    @property
    def title(self) -> str:
        return " and ".join(system.title for system in self.systems)

    @property
    def edition(self) -> str:
        return self.systems[0].edition

    def code(self, written: str) -> Code | None:
        """The code that a model means; None where no system has it, where it is a heading that cannot be claimed, or
        where it is outside `only`."""
        for system in self.systems:
            try:
                found = system.canonical(written.strip().rstrip("."))
            except IcdcoderError:
                continue
            if found in self._only if self.only is not None else system.is_billable(found):
                return found
        return None

    def description(self, code: Code) -> str:
        return systems.load(code.system).description(code)

    def lines(self, codes: tuple[Code, ...]) -> str:
        return "\n".join(f"{code.value} {self.description(code)}" for code in codes)

    @cached_property
    def _only(self) -> frozenset[Code]:
        return frozenset(self.only or ())

    def below(self, node: Node | None) -> list[Node]:
        """Chapters (of None), the blocks of a chapter, the categories of a block."""
        found = _tree(self)[node.heading if node else None]
        if isinstance(found, dict):
            return list(found.values())
        return [Node(f"{code.value} {self.description(code)}", None, code) for code in found]

    def claimable(self, category: Code) -> tuple[Code, ...]:
        """The codes at and below a category that may be answered."""
        system = systems.load(category.system)
        codes = (category, *system.descendants(category))
        if self.only is not None:
            return tuple(code for code in codes if code in self._only)
        return tuple(code for code in codes if system.is_billable(code))


@cache
def _tree(book: Codebook) -> dict[tuple[str, str] | None, dict[tuple[str, str], Node] | list[Code]]:
    """None → chapters; chapter → blocks; block → categories, of which the codes that may be answered are below."""
    tree: dict = {None: {}}
    for system in book.systems:
        codes = [code for code in book.only if code in system] if book.only is not None else system.billable()
        for category in dict.fromkeys(system.category(code) for code in codes):
            chapter = system.chapter(category)
            block = system.block(category) or chapter
            above = (system.name, f"chapter {chapter.id}")
            below = (system.name, f"block {chapter.id} {block.id}")
            tree[None].setdefault(above, _node(chapter, above))
            tree.setdefault(above, {}).setdefault(below, _node(block, below))
            tree.setdefault(below, []).append(category)
    return tree


def _node(heading: Heading, key: tuple[str, str]) -> Node:
    return Node(f"{heading.first}-{heading.last} {heading.title}", key)
