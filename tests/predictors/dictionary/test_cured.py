from __future__ import annotations

import pytest

from icdcoder.predictors.dictionary.cured import is_cured


def cured(text: str, condition: str, code: str) -> bool:
    start = text.index(condition)
    return is_cured(text, start, start + len(condition), f"icd10cm:{code}")


@pytest.mark.parametrize(
    ("text", "condition", "code"),
    [
        ("Breast cancer in 2010, no evidence of disease.", "Breast cancer", "C50.919"),
        ("Colon cancer in remission.", "Colon cancer", "C18.9"),
        ("Melanoma excised in 2015 without recurrence.", "Melanoma", "C43.9"),
        ("S/p radical prostatectomy for prostate cancer 2016.", "prostate cancer", "C61"),
        ("Underwent low anterior resection for rectal cancer in 2014.", "rectal cancer", "C20"),
        ("She was treated for Hodgkin lymphoma as a teenager.", "Hodgkin lymphoma", "C81.90"),
        ("He had bladder cancer ten years ago.", "bladder cancer", "C67.9"),
        ("Renal cell carcinoma s/p nephrectomy.", "Renal cell carcinoma", "C64.9"),
        ("prostate ca 2009, radical prostatectomy, PSA undetectable", "prostate ca", "C61"),
        ("s/p TAH for fibroids 2012", "fibroids", "D25.9"),
        ("TAH 2003 (fibroids, ovaries kept)", "fibroids", "D25.9"),
        ("prior cholecystectomy for gallstones", "gallstones", "K80.20"),
    ],
)
def test_what_is_gone(text: str, condition: str, code: str) -> None:
    assert cured(text, condition, code)


@pytest.mark.parametrize(
    ("text", "condition", "code"),
    [
        ("Breast cancer. No evidence of disease in the lungs was", "Breast cancer", "C50.919"),
        ("Metastatic breast cancer, no evidence of disease progression.", "breast cancer", "C50.919"),
        ("Underwent thyroidectomy for papillary thyroid cancer yesterday.", "papillary thyroid cancer", "C73"),
        ("Rectal cancer s/p resection, now on adjuvant chemotherapy", "Rectal cancer", "C20"),
        ("Recurrent bladder cancer s/p TUR and resection", "bladder cancer", "C67.9"),
        ("Colon cancer diagnosed in 2012.", "Colon cancer", "C18.9"),
        ("AML in remission", "AML", "C92.00"),  # has a code that says so
        ("s/p resection for liver metastases", "liver metastases", "C78.7"),
        ("fibroids, no evidence of disease elsewhere", "fibroids", "D25.9"),
        ("s/p operation for hypertension 2012", "hypertension", "I10"),
    ],
)
def test_what_is_not(text: str, condition: str, code: str) -> None:
    assert not cured(text, condition, code)
