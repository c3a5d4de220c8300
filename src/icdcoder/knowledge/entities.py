"""Entities that a note may name, how they are written, and how they are related: a small knowledge graph of codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from icdcoder.core.code import Code
from icdcoder.knowledge import code_texts, expressions, hierarchy, index_relations, index_terms, sources, synonyms

# Relation i leads from level i of the hierarchy to the level above it; "written alike" joins codes that share words.
RELATIONS = ("top", "block in chapter", "category in block", "code in category", "written alike")
RELATIONS += index_relations.RELATIONS  # where the index has been fetched


@dataclass(frozen=True, slots=True)
class Entities:
    """nodes: names of all nodes; the first `count` are the entities, which are codes, then come those above them, and
    the main terms of the alphabetic index.

    phrases: {words, in lower case: index of the entity}; words that several codes share name the first of these.
    triples: (node, index into RELATIONS, node).
    """

    nodes: tuple[str, ...]
    count: int
    phrases: dict[str, int]
    triples: tuple[tuple[int, int, int], ...]


def load(space: Sequence[Code], file: Path | None = None) -> Entities:
    """The codes of the space with all their names, and every code of its systems that our expressions name; how they
    are related by the hierarchy, by their names and, for ICD-10-CM where it has been fetched, by the alphabetic index.

    file: further names, of these and other codes (see `code_texts`); they come before ours, so that words which both
    know name the code of the file. Raises InputError where it names no code of the space.
    """
    given = code_texts.of(space, file)
    names: dict[Code, list[str]] = {code: [*texts] for code, texts in given.items()}
    for code, known in zip(space, synonyms.of(space), strict=True):
        if known:
            names.setdefault(code, []).extend(known)
    for system in sorted({code.system for code in space}):
        for code, known in expressions.load(system).items():
            names.setdefault(code, []).extend(expression.text for expression in known)
    codes = list(names)
    phrases: dict[str, int] = {}
    alike: dict[tuple[int, int], None] = {}
    for number, code in enumerate(codes):
        for name in names[code]:
            first = phrases.setdefault(name.lower(), number)
            if first != number:
                alike[(number, first)] = None
    nodes, triples = _graph(codes)
    relation = RELATIONS.index("written alike")
    triples += [(number, relation, first) for number, first in alike]
    if any(code.system == "icd10cm" for code in space):
        nodes, more = _by_index(nodes)
        triples += more
    return Entities(nodes, len(codes), phrases, tuple(triples))


def _by_index(nodes: tuple[str, ...]) -> tuple[tuple[str, ...], list[tuple[int, int, int]]]:
    """The nodes with the main terms of the index behind them, and its relations; nothing more where it is not here."""
    if sources.located(index_terms.SOURCE) is None:
        return nodes, []
    numbers = {name: number for number, name in enumerate(nodes)}
    triples = [
        (numbers.setdefault(head, len(numbers)), RELATIONS.index(kind), numbers.setdefault(tail, len(numbers)))
        for head, kind, tail in index_relations.triples(index_terms.load(), nodes)
    ]
    return tuple(numbers), triples


def _graph(codes: Sequence[Code]) -> tuple[tuple[str, ...], list[tuple[int, int, int]]]:
    levels = hierarchy.chain(codes)
    numbers = {name: number for number, name in enumerate(levels[-1].names)}
    triples = []
    for depth in range(len(levels) - 1, 0, -1):
        for name, parent in zip(levels[depth].names, levels[depth].parents, strict=True):
            above = levels[depth - 1].names[parent]
            if name != above:
                triples.append((numbers[name], depth, numbers.setdefault(above, len(numbers))))
    return tuple(numbers), triples
