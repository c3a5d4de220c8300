from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.qualified import qualified


@pytest.mark.parametrize(
    ("text", "condition", "code", "exact"),
    [
        ("Left heel ulcer with fat layer exposed", "ulcer", "L97.429", "L97.422"),
        ("ulcer of the right calf, probes to bone", "ulcer", "L97.219", "L97.216"),
        ("ulcer with necrosis of bone and exposed bone", "ulcer", "L97.519", "L97.514"),
        ("Left heel ulcer. Fracture with exposed bone", "ulcer", "L97.429", "L97.429"),
        ("POAG both eyes, mild stage", "POAG", "H40.1130", "H40.1131"),
        ("end-stage POAG", "POAG", "H40.1190", "H40.1193"),
        ("POAG. Moderate pain", "POAG", "H40.1130", "H40.1130"),
        ("left breast cancer, upper outer quadrant", "breast cancer", "C50.912", "C50.412"),
        ("breast cancer LIQ", "breast cancer", "C50.919", "C50.319"),
        ("breast cancer in the upper outer and lower inner quadrants", "breast cancer", "C50.919", "C50.919"),
        ("acute infarct in the left MCA territory, cardioembolic", "infarct", "I63.512", "I63.412"),
        ("left MCA infarct, no embolism", "infarct", "I63.512", "I63.512"),
        ("upper outer quadrant", "upper", "I10", "I10"),
    ],
)
def test_how_far_it_goes(text: str, condition: str, code: str, exact: str) -> None:
    start = text.index(condition)
    assert qualified(text, start, start + len(condition), f"icd10cm:{code}") == f"icd10cm:{exact}"
    assert systems.load("icd10cm").is_billable(Code("icd10cm", exact))
