"""Which of HiLAT's ten groups of sections each token belongs to, from 1 (Liu et al. 2022, arXiv 2204.10716).

As in the authors' code a section that belongs to no group goes on with the group before it, and the first group begins
with the note. Where sections begin is told by our headings, which know more spellings than theirs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from icdcoder.text import sections

GROUPS = (
    ("allergies", "chief_complaint", "procedures"),
    ("history_of_present_illness",),
    ("past_medical_history", "past_surgical_history", "social_history", "family_history"),
    ("physical_exam",),
    ("pertinent_results",),
    ("hospital_course",),
    ("medications_on_admission", "discharge_medications"),
    ("disposition", "discharge_diagnosis", "preoperative_diagnosis", "postoperative_diagnosis", "discharge_condition"),
    ("instructions", "follow_up"),
    ("addendum",),
)
_GROUP_OF = {kind: number for number, kinds in enumerate(GROUPS, start=1) for kind in kinds}


def of(text: str, offsets: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """One number a token, 1 to 10."""
    found = np.ones(len(offsets), dtype=np.int32)
    group = 1
    for section in sections.split(text):
        # To our headings an addendum is one of the administrative sections.
        kind = "addendum" if section.title.strip().lower() == "addendum" else section.kind
        group = _GROUP_OF.get(kind, group)
        first, last = np.searchsorted(offsets[:, 0], (section.start, section.end))
        found[first:last] = group
    return found
