from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge.metastasis_sites import sites
from icdcoder.predictors.dictionary.read_off.metastases import spreads


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("metastatic to the liver, left lung, and bones", ["C78.7", "C78.02", "C79.51"]),
        ("metastatic breast cancer to the brain", ["C79.31"]),
        ("metastases to both lungs", ["C78.01", "C78.02"]),
        ("metastases to the orbit and the skin", ["C79.2"]),
        ("lung cancer with liver and bone metastases", ["C78.7", "C79.51"]),
        ("cancer of the lung and liver metastases", []),
        ("liver metastases from colon cancer", []),
        ("metastatic to the hospital", []),
        ("the lung and the liver are clear", []),
    ],
)
def test_where_a_cancer_has_spread_to(text: str, codes: list[str]) -> None:
    found = list(spreads(text))
    assert [one.code.value for one in found] == codes
    assert all(text[one.start : one.end].strip() == text[one.start : one.end] for one in found)


def test_every_code_of_the_table_is_a_secondary_neoplasm_that_is_billable() -> None:
    system = systems.load("icd10cm")
    for site in sites():
        for value in filter(None, (site.code, site.right, site.left)):
            assert value[:3] in ("C77", "C78", "C79")
            assert system.is_billable(Code("icd10cm", value))
