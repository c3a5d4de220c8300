"""ICD-10-CM, the diagnoses of the United States since October 2015, from the NCHS tabular list in simple-icd-10-cm."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType

from icdcoder.systems.table import spelling
from icdcoder.systems.table.columns import Columns, Entry, HeadingRow, compile_columns
from icdcoder.systems.table.contract import CodeSystem, Heading
from icdcoder.systems.table.store import compiled
from icdcoder.systems.table.tabular import TabularSystem

RANGE = re.compile(r"\s*\(([A-Z0-9]{3})(?:-([A-Z0-9]{3}))?\)$")


@cache
def load() -> CodeSystem:
    """The tabular list of April 2026. A code is billable where nothing stands below it."""
    return TabularSystem(
        name="icd10cm",
        title="ICD-10-CM",
        edition="2026",
        uri="http://hl7.org/fhir/sid/icd-10-cm",
        spelling=spelling.ICD10CM,
        columns=compiled("icd10cm", ("simple-icd-10-cm",), _build),
    )


def _build() -> Columns:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of how the package reads its own files
        import simple_icd_10_cm as tabular  # reads its XML when imported, which takes two seconds

    headings: list[HeadingRow] = []
    entries = list(_entries(tabular, headings))
    return compile_columns(headings, entries)


def _entries(tabular: ModuleType, headings: list[HeadingRow]) -> Iterator[Entry]:
    """Yields the codes, and appends to `headings` on the way.

    Blocks of one category (B20) have the category's name: of the two, the block comes first in the list.
    """
    blocks: set[str] = set()
    depth: dict[str, int] = {}
    for name in tabular.get_all_codes():
        if tabular.is_chapter(name):
            headings.append(HeadingRow(_heading(name, tabular.get_description(name)), -1, _notes(tabular, name)))
        elif tabular.is_block(name) and name not in blocks:
            blocks.add(name)
            title = tabular.get_description(name, prioritize_blocks=True)
            block = _heading(name, title)
            headings.append(HeadingRow(block, _around(block, headings), _notes(tabular, name, block=True)))
        else:
            depth[name] = depth.get(tabular.get_parent(name), -1) + 1
            yield Entry(
                name,
                tabular.get_description(name),
                depth[name],
                len(headings) - 1,
                tabular.is_leaf(name),
                _notes(tabular, name),
                {key: text.replace("/\t", "; ") for key, text in tabular.get_seven_chr_def(name).items()},
            )


def _heading(name: str, title: str) -> Heading:
    found = RANGE.search(title)
    if found is None:
        return Heading(name, title, name, name)
    return Heading(name, title[: found.start()], found[1], found[2] or found[1])


def _around(block: Heading, headings: list[HeadingRow]) -> int:
    """The last heading so far whose range holds the block's: its chapter, or a block that groups blocks."""
    return max(
        i for i, row in enumerate(headings) if row.heading.first <= block.first and block.last <= row.heading.last
    )


def _notes(tabular: ModuleType, name: str, *, block: bool = False) -> dict[str, list[str]]:
    def lines(read: Callable[..., str]) -> list[str]:
        return [line for line in read(name, prioritize_blocks=block).split("\n") if line]

    return {
        "inclusion_terms": tabular.get_inclusion_term(name, prioritize_blocks=block),
        "includes": tabular.get_includes(name, prioritize_blocks=block),
        "excludes1": tabular.get_excludes1(name, prioritize_blocks=block),
        "excludes2": tabular.get_excludes2(name, prioritize_blocks=block),
        "code_first": lines(tabular.get_code_first),
        "use_additional": lines(tabular.get_use_additional_code),
        "code_also": lines(tabular.get_code_also),
    }
