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
        # A mass that another line of the note describes.
        ("breast cancer. No nodes.\n\nMass of 2 cm, upper inner quadrant", "breast cancer", "C50.912", "C50.212"),
        ("acute appendicitis, perforated, generalized peritonitis", "acute appendicitis", "K35.80", "K35.201"),
        ("acute appendicitis without perforation or abscess", "acute appendicitis", "K35.80", "K35.80"),
        ("appendicitis with no perforation but an abscess", "appendicitis", "K35.80", "K35.33"),
        ("pressure ulcer of the left heel, stage III", "pressure ulcer of the left heel", "L89.629", "L89.623"),
        ("naevus on the left calf", "naevus", "D22.9", "D22.72"),
        ("right arm pain. A naevus was seen", "naevus", "D22.9", "D22.9"),
        ("DLBCL of the cervical nodes", "DLBCL", "C83.30", "C83.31"),
        ("focal epilepsy, not intractable", "focal epilepsy", "G40.109", "G40.109"),
        ("focal epilepsy, drug-resistant, in status epilepticus", "focal epilepsy", "G40.109", "G40.111"),
        ("splenic laceration, grade III", "splenic laceration", "S36.039A", "S36.031A"),
        ("concussion. LOC of 5 min", "concussion", "S06.0X9A", "S06.0X1A"),
        ("depression, EF > 50 %, severe < moderate", "depression", "F33.9", "F33.9"),
    ],
)
def test_how_far_it_goes(text: str, condition: str, code: str, exact: str) -> None:
    start = text.index(condition)
    assert qualified(text, start, start + len(condition), f"icd10cm:{code}") == f"icd10cm:{exact}"
    assert systems.load("icd10cm").is_billable(Code("icd10cm", exact))
