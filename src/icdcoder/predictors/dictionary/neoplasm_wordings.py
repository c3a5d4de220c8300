"""Names of neoplasms: each site of the neoplasm table with the words for each behaviour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from icdcoder.core.code import Code
from icdcoder.knowledge.table_of_neoplasms import NeoplasmRow
from icdcoder.predictors.dictionary.index_wordings import forms

# One word stands for its family (text/data/word_variants.txt): "cancer" is also carcinoma, "tumor" also neoplasm.
NAMES = {
    "malignant": ("cancer", "malignant tumor", "malignant lesion"),
    "secondary": ("metastasis", "secondary tumor", "secondary cancer", "metastasis cancer", "metastasis disease"),
    "in situ": ("cancer in situ",),
    "benign": ("benign tumor",),
    "uncertain": ("tumor of uncertain behavior",),
    "unspecified": ("tumor",),
}
_NO_SITE = re.compile(
    r"\b(?:NEC|NOS|specified|unspecified|overlapping|contiguous|with|see|other)\b|[<>]", re.IGNORECASE
)


def wordings(rows: Iterable[NeoplasmRow]) -> Iterator[tuple[str, Code, None]]:
    """(wording, code or category, None) for every site and behaviour."""
    for row in rows:
        if len(row.site) > 3 or any(_NO_SITE.search(title) for title in row.site):
            continue
        levels = [forms(re.sub(r"\([^)]*\)|\*", "", title)) for title in row.site]
        sites = {" ".join(level[min(number, len(level) - 1)] for level in levels) for number in range(2)}
        for behaviour, code in row.codes.items():
            for name in NAMES[behaviour]:
                for site in sorted(sites):
                    yield f"{name} {site}", code, None
