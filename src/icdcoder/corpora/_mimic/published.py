"""What the literature says of the data sets made from MIMIC: each figure with where it stands.

Keys are those of the check sheet's facts. A figure that rests on the damaged codes of the reference preprocessing is
listed for `caml` labels only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CAML = "Mullenbach et al. 2018, notebook dataproc_mimic_III"
CAML_LISTS = "Mullenbach et al. 2018, lists of ids"
EDIN = "Edin et al. 2023, split files"
EDIN_LOG = "Edin et al. 2023, log of a run (issue 5 of their repository)"
EDIN_PAPER = "Edin et al. 2023, paper"
KEPT = "Yang et al. 2022 (KEPT), collectrare50data.py"
HILAT = "LAAT, HiLAT and XR-LAT, which read codes as text"
PLM_ICD = "label list derived from CAML, with PLM-ICD"
MDACE = "Cheng et al. 2023 (MDACE), annotation files"

# Rules of words by which CAML's own counts come out.
AS_CAML = ("caml", "msmn")

TOP_50_CAML = (
    "401.9 38.93 428.0 427.31 414.01 96.04 96.6 584.9 250.00 96.71 272.4 518.81 99.04 39.61 599.0 530.81 96.72 272.0 "
    "285.9 88.56 244.9 486 38.91 285.1 36.15 276.2 496 99.15 995.92 V58.61 507.0 038.9 88.72 585.9 403.90 311 305.1 "
    "37.22 412 33.24 39.95 287.5 410.71 276.1 V45.81 424.0 45.13 V15.82 511.9 37.23"
)
# LAAT's authors count codes read as text: the one difference.
TOP_50_CORRECT = TOP_50_CAML.replace("37.23", "93.90")


@dataclass(frozen=True, slots=True)
class Figure:
    """what: the key of the fact. because: the known cause of another figure, where there is one; it explains figures
    in `others`, and those that lie within a share `within` of the published one. A figure farther off is not explained.
    rules, least: the rules of words and `min_documents` with which it was counted; none: it rests on no words.
    """

    what: str
    value: int | str
    source: str
    because: str = ""
    others: tuple[int, ...] = ()
    within: float = 0.0
    rules: tuple[str, ...] = ()
    least: int | None = None

    def compares(self, text: Mapping[str, Any] | None) -> bool:
        """Whether a figure can be held against it that was counted with these settings of words (None: not known)."""
        if text is None or not self.rules:
            return True
        return text.get("rule") in self.rules and self.least in (None, text.get("min_documents"))

    def explains(self, yours: object) -> bool:
        if not isinstance(yours, int) or not isinstance(self.value, int):
            return False
        return yours in self.others or (self.within > 0 and abs(yours - self.value) <= self.within * self.value)


def _split(
    train: int, validation: int, test: int, source: str, because: str = "", within: float = 0.0
) -> tuple[Figure, ...]:
    sizes = (("train", train), ("validation", validation), ("test", test))
    return tuple(Figure(f"{name} documents", size, source, because, within=within) for name, size in sizes)


_FOUR = "the paper counts four training admissions that have a summary and no code; they are left out here"
_IV = "the lists and the count were made on MIMIC-IV 2.2; 3.x has other admissions, notes and codes"
_FULL = (
    Figure("note rows", 2_083_180, CAML),
    Figure("summaries", 59_652, CAML),
    Figure("admissions", 52_726, CAML, _FOUR, (52_722,)),
    Figure("admissions coded", 52_722, EDIN),
    # 47,723 admissions are in CAML's training list.
    Figure("train documents", 47_719, EDIN, "CAML's list has 47,723, four of which have no code", (47_723,)),
    *_split(0, 1_631, 3_372, EDIN)[1:],
    Figure("tokens", 79_801_387, CAML, _FOUR, within=0.001, rules=AS_CAML),
    Figure("types", 150_854, CAML, _FOUR, within=0.001, rules=AS_CAML),
    Figure("train types", 140_795, CAML, _FOUR, within=0.001, rules=AS_CAML),
    Figure("vocabulary", 51_917, CAML, _FOUR, within=0.001, rules=AS_CAML, least=3),
)
_OTHER_TOP = (
    "the lists were made with 37.23 among the 50 codes and not 93.90: admissions with none of the 50 but 37.23 are "
    "left out, and those with none but 93.90 are not in the lists"
)

FIGURES: dict[str, tuple[Figure, ...]] = {
    "mimic3_full_caml": (
        *_FULL,
        Figure("distinct codes", 8_921, PLM_ICD, "the paper says 8,922, which counts the empty code", (8_922,)),
        Figure("top codes", TOP_50_CAML, CAML),
    ),
    "mimic3_full_correct": (
        *_FULL,
        Figure("distinct codes", 8_929, HILAT, "8,930 in AnEMIC", (8_930,)),
        Figure("top codes", TOP_50_CORRECT, HILAT),
    ),
    "mimic3_top50_caml": (
        *_split(8_066, 1_573, 1_729, CAML_LISTS),
        Figure("distinct codes", 50, CAML),
        Figure("top codes", TOP_50_CAML, CAML),
    ),
    "mimic3_top50_correct": (
        *_split(8_066, 1_573, 1_729, CAML_LISTS, _OTHER_TOP, within=0.01),
        Figure("distinct codes", 50, CAML),
        Figure("top codes", TOP_50_CORRECT, HILAT),
    ),
    "mimic3_rare50": (*_split(249, 20, 142, KEPT), Figure("distinct codes", 50, KEPT)),
    "mimic3_clean": (
        *_split(38_401, 5_577, 8_734, EDIN),
        Figure("distinct codes", 3_681, EDIN_LOG),
        Figure("train tokens", 58_147_709, EDIN_LOG, rules=("edin",)),
    ),
    "mimic4_icd9_edin": (
        *_split(154_542, 21_980, 32_804, EDIN, _IV, within=0.01),
        Figure("distinct codes", 6_150, EDIN_PAPER, "a user counted 6,147 with MIMIC-IV 3.0", (6_147,)),
    ),
    "mimic4_icd10_edin": (
        *_split(89_099, 13_378, 19_802, EDIN, _IV, within=0.01),
        Figure("distinct codes", 7_942, EDIN_PAPER, "a user counted 7,940 with MIMIC-IV 3.0", (7_940,)),
    ),
    "mdace_inpatient_icd9": (
        Figure("admissions annotated", 302, MDACE), Figure("notes annotated", 604, MDACE),
        Figure("spans", 3_934, MDACE), Figure("codes annotated", 918, MDACE),
    ),
    "mdace_inpatient_icd10": (
        Figure("admissions annotated", 302, MDACE), Figure("notes annotated", 604, MDACE),
        Figure("spans", 3_936, MDACE),
        Figure("codes annotated", 1_024, MDACE),
    ),
    "mdace_profee_icd9": (
        Figure("admissions annotated", 52, MDACE), Figure("notes annotated", 588, MDACE),
        Figure("spans", 5_563, MDACE), Figure("codes annotated", 652, MDACE),
    ),
    "mdace_profee_icd10": (
        Figure("admissions annotated", 52, MDACE), Figure("notes annotated", 588, MDACE),
        Figure("spans", 5_563, MDACE), Figure("codes annotated", 734, MDACE),
    ),
}  # fmt: skip
