"""Numbers that describe a candidate code of a note, for a ranker. Their names are stable; new ones come at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from icdcoder.predictors.dictionary.terms import Source

if TYPE_CHECKING:
    from icdcoder.predictors.dictionary.candidates.scoring import Candidate

_STATUSES = ("affirmed", "negated", "historical", "family", "hypothetical", "uncertain")
_SECTIONS = {
    "diagnosis": ("discharge_diagnosis", "admission_diagnosis", "postoperative_diagnosis", "problem_list"),
    "assessment": ("assessment", "impression", "plan", "hospital_course"),
    "history": ("history_of_present_illness", "chief_complaint"),
    "past": ("past_medical_history", "past_surgical_history", "family_history", "social_history", "immunizations"),
    "examination": ("physical_exam", "review_of_systems", "imaging", "pertinent_results"),
    "medications": ("medications", "medications_on_admission", "discharge_medications", "allergies"),
}

# Rankers that have been fitted know these; an operation of the past has no number of its own.
_SOURCES = tuple(source for source in Source if source != Source.PAST)

NAMES: tuple[str, ...] = (
    "score",  # of the dictionary coder
    "support",  # of its best mention
    "mentions",  # log(1 + how many)
    *(f"source_{source.name.lower()}" for source in _SOURCES),  # log(1 + mentions), by where the wording comes from
    *(f"status_{status}" for status in _STATUSES),  # share of mentions
    *(f"section_{name}" for name in _SECTIONS),  # share of mentions
    "section_other",
    "words",  # of the longest term
    "characters",  # of the longest mention, log
    "exact",  # share of mentions without a gap that are not inside a longer term
    "gaps",  # fewest
    "nested",  # share
    "first_reading",  # share of mentions of which it is the first reading
    "readings",  # fewest readings of a mention
    "joint",  # share of mentions that state further codes
    "first_position",  # of the first mention, share of the note's length
    "last_position",
    "depth",  # characters of the code after the category
    "unspecified",  # the description says "unspecified"
    "description_overlap",  # share of the description's words that the note has
    "description_words",
    "siblings",  # log(1 + candidates of the same category)
    "better_siblings",  # log(1 + those with a higher score)
    "same_span",  # log(1 + other candidates that share its best mention)
    "rank",  # log(1 + place in the list by score)
    "candidates",  # log(1 + how many the note has)
    "note_words",  # log
)


def matrix(candidates: Sequence[Candidate], length: int, words: int) -> npt.NDArray[np.float32]:
    """ "candidate feature", in the order of NAMES. length: of the note in characters; words: in words."""
    categories = Counter(candidate.category for candidate in candidates)
    spans = Counter((c.mentions[0].start, c.mentions[0].end) for c in candidates)
    better: Counter[str] = Counter()
    rows = []
    for rank, candidate in enumerate(candidates):
        row = _of_mentions(candidate, max(1, length))
        best = candidate.mentions[0]
        row += [
            len(candidate.code.value.partition(".")[2]),
            candidate.unspecified,
            candidate.overlap,
            candidate.described,
            np.log1p(categories[candidate.category] - 1),
            np.log1p(better[candidate.category]),
            np.log1p(spans[best.start, best.end] - 1),
            np.log1p(rank),
            np.log1p(len(candidates)),
            np.log1p(words),
        ]
        better[candidate.category] += 1
        rows.append(row)
    return np.array(rows, dtype=np.float32).reshape(-1, len(NAMES))


def _of_mentions(candidate: Candidate, length: int) -> list[float]:
    mentions, senses = candidate.mentions, candidate.senses
    count = len(mentions)
    sources = Counter(sense.source for sense in senses)
    statuses = Counter(mention.status for mention in mentions)
    sections = Counter(_group(mention.section) for mention in mentions)
    clean = sum(not m.gaps and not m.nested for m in mentions)
    return [
        candidate.score,
        candidate.support,
        np.log1p(count),
        *(np.log1p(sources[source]) for source in _SOURCES),
        *(statuses[status] / count for status in _STATUSES),
        *(sections[name] / count for name in _SECTIONS),
        sections["other"] / count,
        max(sense.words for sense in senses),
        np.log1p(max(m.end - m.start for m in mentions)),
        clean / count,
        min(m.gaps for m in mentions),
        sum(m.nested for m in mentions) / count,
        sum(m.senses[0] == s for m, s in zip(mentions, senses, strict=True)) / count,
        min(len(m.senses) for m in mentions),
        sum(s.joint for s in senses) / count,
        min(m.start for m in mentions) / length,
        max(m.end for m in mentions) / length,
    ]


def _group(section: str) -> str:
    return _GROUP_OF.get(section, "other")


_GROUP_OF = {section: group for group, sections in _SECTIONS.items() for section in sections}
