"""What a corpus of coded notes teaches beside the dictionary: phrases, similar notes, how often codes and their
categories are given, whether the dictionary is right about them, and which codes keep company.

These are the corpus's habits. They help on notes of the same source and hurt on others, so that the ranker that comes
with icdcoder has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log1p
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.document import GoldEvidence
from icdcoder.predictors.ranking.given_sets import GivenSets
from icdcoder.predictors.ranking.phrases import PhraseTable, Support
from icdcoder.predictors.ranking.reading import ReadNote
from icdcoder.predictors.ranking.similar_notes import SimilarNotes
from icdcoder.text.normal_form import NormalWords

NAMES: tuple[str, ...] = (
    "phrase_share",  # of the best phrase: notes coded so for it / notes that have it
    "phrase_notes",
    "phrase_seen",
    "phrase_words",
    "second_phrase_share",
    "phrases_together",  # 1 - the product of 1 - share
    "phrases",  # how many
    "phrase_times",  # in this note, over all phrases
    "most_phrase_notes",
    "longest_phrase",
    "siblings_phrase_share",  # the best of other codes of the category
    "similar_notes",  # score of the linear coder
    "similar_notes_rank",
    "scoped_similar_notes",  # the same over words marked as negated, uncertain, a relative's
    "scoped_similar_notes_rank",
    "all_views",  # the same over words, scoped words, words by section, and what the dictionary says, pairs included
    "all_views_rank",
    "code_notes",  # log(1 + training notes with the code)
    "category_notes",
    "dictionary_accepts",  # log(1 + training notes for which the dictionary accepts the code)
    "dictionary_right",  # share of them that have it
    "set_with",  # the best score of the linear coders for a whole set of codes that holds the code
    "set_without",  # for one that does not
    "sets_with",  # of all that do, summed
)
# Codes that the linear coders put first are candidates too.
_LINEAR_CANDIDATES = 15
_LEAST_LINEAR = 0.02
_VIEWS_PENALTY = 0.4
# Phrases that mean the code more seldom bring no candidate ("pain").
_LEAST_SHARE = 0.02
# Below this the dictionary's own word on a code does not count as its word.
_DICTIONARY_SAYS = 0.3
_MOST_RANK = 300


@dataclass(frozen=True, slots=True)
class Coded:
    """A training note with its gold codes, and its evidence where the corpus marks it."""

    read: ReadNote
    codes: frozenset[Code]
    evidence: tuple[GoldEvidence, ...] | None


@dataclass(frozen=True, eq=False)
class Habits:
    """codes: those of the training notes, in order. gold: "note code" of the training notes. accepted, right: how
    often the dictionary says a code, and is right; by `str(code)`, also for codes that no training note has. marked:
    whether phrases were learnt from marked evidence."""

    codes: tuple[Code, ...]
    phrases: PhraseTable
    plain: SimilarNotes
    scoped: SimilarNotes
    views: SimilarNotes
    gold: npt.NDArray[np.bool_]
    accepted: dict[str, int]
    right: dict[str, int]
    marked: bool

    @classmethod
    def fit(cls, notes: Sequence[Coded]) -> Habits:
        codes = tuple(sorted({code for note in notes for code in note.codes}))
        number = {code: i for i, code in enumerate(codes)}
        numbered = [sorted(number[code] for code in note.codes) for note in notes]
        gold = np.zeros((len(notes), len(codes)), dtype=np.bool_)
        for row, own in zip(gold, numbered, strict=True):
            row[own] = True
        with_sets = np.hstack([gold, GivenSets.of(gold).columns(gold)])
        evidence = [
            None if n.evidence is None else [(number[e.code], e) for e in n.evidence if e.code in number] for n in notes
        ]
        marked = all(spans is not None for spans in evidence)
        accepted: Counter[str] = Counter()
        right: Counter[str] = Counter()
        for note in notes:
            said = [c.code for c in note.read.candidates if c.score >= _DICTIONARY_SAYS]
            accepted.update(map(str, said))
            right.update(str(code) for code in said if code in note.codes)
        return cls(
            codes,
            PhraseTable.fit([_phrase_words(n.read, marked) for n in notes], numbered, evidence),
            SimilarNotes.fit([[n.read.words.words] for n in notes], gold),
            SimilarNotes.fit([[n.read.scoped] for n in notes], with_sets),
            SimilarNotes.fit(
                [n.read.views for n in notes], with_sets, _VIEWS_PENALTY, rare_terms_count=False, pairs=True
            ),
            gold,
            dict(accepted),
            dict(right),
            marked,
        )

    @cached_property
    def number(self) -> dict[Code, int]:
        return {code: i for i, code in enumerate(self.codes)}

    @cached_property
    def counts(self) -> list[int]:
        """Training notes of each code."""
        return self.gold.sum(axis=0).tolist()

    @cached_property
    def category_counts(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for code, count in zip(self.codes, self.counts, strict=True):
            counts[_category(code)] += count
        return counts

    @cached_property
    def sets(self) -> GivenSets:
        """Which codes the training notes have together."""
        return GivenSets.of(self.gold)

    @cached_property
    def given(self) -> dict[frozenset[Code], int]:
        """How many training notes have just these codes."""
        return {frozenset(self.codes[i] for i in own): times for own, times in self.sets.times.items()}

    def remarks(self, read: ReadNote) -> Remarks:
        """What the habits say of one note."""
        return Remarks(self, read)

    def company(self, present: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """For each code, how much likelier the other codes make it. present: probability of each code, "code"."""
        some = np.flatnonzero(present > 0.1)
        if not len(some):
            return np.zeros(len(self.codes))
        counts = self.gold.sum(axis=0)
        together = self.gold[:, some].T.astype(np.float64) @ self.gold
        lift = together / (counts[some][:, None] + 2.0) - counts / len(self.gold)
        lift[np.arange(len(some)), some] = 0.0
        return present[some] @ lift

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            **self.phrases.arrays("phrases"),
            **self.plain.arrays("plain"),
            **self.scoped.arrays("scoped"),
            **self.views.arrays("views"),
            "gold": np.packbits(self.gold, axis=1),
        }

    def card(self) -> dict[str, Any]:
        return {
            "codes": [str(code) for code in self.codes],
            "accepted": self.accepted,
            "right": self.right,
            "marked": self.marked,
        }

    @classmethod
    def of(cls, arrays: dict[str, npt.NDArray[Any]], card: dict[str, Any]) -> Habits:
        codes = tuple(map(Code.parse, card["codes"]))
        gold = np.unpackbits(arrays["gold"], axis=1, count=len(codes)).astype(np.bool_)
        plain, scoped, views = (SimilarNotes.of(arrays, name) for name in ("plain", "scoped", "views"))
        return cls(
            codes,
            PhraseTable.of(arrays, "phrases"),
            plain,
            scoped,
            views,
            gold,
            card["accepted"],
            card["right"],
            card["marked"],
        )


class Remarks:
    """The habits' view of one note: which codes it adds to the dictionary's, and a row for any code."""

    def __init__(self, habits: Habits, read: ReadNote) -> None:
        self._habits = habits
        self._read = read
        self._supports = habits.phrases.supports(_phrase_words(read, habits.marked).words)
        count = len(habits.codes)
        scoped, views = habits.scoped.scores([read.scoped]), habits.views.scores(read.views)
        self._linear = [habits.plain.scores([read.words.words]), scoped[:count], views[:count]]
        self._by_sets = habits.sets.by_code(scoped[count:] + views[count:])
        self._sorted = [np.sort(scores)[::-1] for scores in self._linear]
        self._categories: dict[str, list[tuple[float, int]]] = {}
        for number, supports in self._supports.items():
            best = (supports[0].share, number)
            self._categories.setdefault(_category(habits.codes[number]), []).append(best)

    def candidates(self) -> set[Code]:
        numbers = {number for number, supports in self._supports.items() if supports[0].share >= _LEAST_SHARE}
        for scores in self._linear:
            best = np.argsort(-scores, kind="stable")[:_LINEAR_CANDIDATES]
            numbers.update(int(number) for number in best if scores[number] > _LEAST_LINEAR)
        return {self._habits.codes[number] for number in numbers}

    def row(self, code: Code) -> list[float]:
        """In the order of NAMES."""
        number = self._habits.number.get(code)
        supports = self._supports.get(number, []) if number is not None else []
        others = [share for share, other in self._categories.get(_category(code), ()) if other != number]
        linear = []
        for scores, ordered in zip(self._linear, self._sorted, strict=True):
            score = float(scores[number]) if number is not None else 0.0
            linear += [score, float(min(np.searchsorted(-ordered, -score), _MOST_RANK))]
        said, right = self._habits.accepted.get(str(code), 0), self._habits.right.get(str(code), 0)
        return [
            *_phrase_row(supports),
            max(others, default=0.0),
            *linear,
            log1p(self._habits.counts[number]) if number is not None else 0.0,
            log1p(self._habits.category_counts[_category(code)]),
            log1p(said),
            (right + 0.3) / (said + 1),
            *(self._by_sets[number].tolist() if number is not None else (0.0, 0.0, 0.0)),
        ]

    def spans(self, code: Code) -> list[tuple[int, int]]:
        """Where the phrases that speak for the code stand in the note, the best first."""
        number = self._habits.number.get(code)
        offsets = self._read.words.offsets
        found = self._supports.get(number, ()) if number is not None else ()
        return [(int(offsets[s.first, 0]), int(offsets[s.first + s.words - 1, 1])) for s in found]


def _phrase_words(read: ReadNote, marked: bool) -> NormalWords:
    """An annotator's span holds the words of one statement; without spans, "no fever" has to be told from "fever"."""
    return read.words if marked else NormalWords(read.scoped, read.words.offsets)


def _phrase_row(supports: list[Support]) -> list[float]:
    if not supports:
        return [0.0] * 10
    best = supports[0]
    return [
        best.share,
        best.notes,
        best.seen,
        best.words,
        supports[1].share if len(supports) > 1 else 0.0,
        1.0 - float(np.prod([1 - 0.95 * s.share for s in supports])),
        len(supports),
        sum(s.times for s in supports),
        max(s.notes for s in supports),
        max(s.words for s in supports),
    ]


def _category(code: Code) -> str:
    return f"{code.system}:{code.value.partition('.')[0]}"
