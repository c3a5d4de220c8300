"""Wordings learnt from coded notes: how often notes that have these words were given this code because of them.

Where the corpus marks evidence, the words marked are the phrase. Where it does not, every short window of a note's
words counts for each of its codes, and those are kept that go with a code again and again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.document import GoldEvidence
from icdcoder.predictors.ranking.windows import Windows, windows
from icdcoder.text.normal_form import NormalWords

LONGEST = 6
# Without marked evidence: longest window, fewest notes, and the least share of a window's notes that have the code.
_LONGEST_UNMARKED = 4
_FEWEST = 2
_LEAST_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Support:
    """One phrase for one code. notes: training notes coded so for it, of `seen` that have it. words: its length.
    times: in this note. first: its first word here."""

    notes: int
    seen: int
    words: int
    times: int
    first: int

    @property
    def share(self) -> float:
        return self.notes / (self.seen + 0.5)


@dataclass(frozen=True, eq=False)
class PhraseTable:
    """keys, seen: "phrase". starts: "phrase + 1", into code and notes, "entry"."""

    keys: npt.NDArray[np.uint64]
    seen: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int32]
    code: npt.NDArray[np.int32]
    notes: npt.NDArray[np.int32]

    @classmethod
    def fit(
        cls,
        words: Sequence[NormalWords],
        codes: Sequence[Sequence[int]],
        evidence: Sequence[Sequence[tuple[int, GoldEvidence]] | None],
    ) -> PhraseTable:
        """codes: gold of each note, as numbers. evidence: marked spans of each note with the code's number, or None."""
        found = [windows(note.words, LONGEST) for note in words]
        pairs: Counter[tuple[int, int]] = Counter()
        for note, spread, gold, spans in zip(words, found, codes, evidence, strict=True):
            if spans is None:
                own = np.unique(spread.keys[spread.length <= _LONGEST_UNMARKED]).tolist()
                pairs.update((key, code) for key in own for code in gold)
            else:
                pairs.update({pair for code, span in spans if (pair := _marked(note, spread, code, span))})
        unmarked = any(spans is None for spans in evidence)
        if unmarked:
            pairs = Counter({pair: count for pair, count in pairs.items() if count >= _FEWEST})
        keys = np.unique(np.array([key for key, _ in pairs], dtype=np.uint64))
        seen = np.zeros(len(keys), dtype=np.int32)
        for spread in found:
            seen[np.unique(_places(keys, spread.keys)[1])] += 1
        return cls._packed(keys, seen, pairs, _LEAST_SHARE if unmarked else 0.0)

    @classmethod
    def _packed(
        cls, keys: npt.NDArray[np.uint64], seen: npt.NDArray[np.int32], pairs: Counter[tuple[int, int]], least: float
    ) -> PhraseTable:
        entries: dict[int, list[tuple[int, int]]] = defaultdict(list)
        places = dict(zip(keys.tolist(), range(len(keys)), strict=True))
        for (key, code), count in pairs.items():
            if count >= least * seen[places[key]]:
                entries[places[key]].append((code, count))
        kept = np.array(sorted(entries), dtype=np.int64)
        rows = [row for place in kept.tolist() for row in sorted(entries[place])]
        starts = np.concatenate([[0], np.cumsum([len(entries[place]) for place in kept.tolist()])])
        flat = np.array(rows, dtype=np.int32).reshape(-1, 2)
        return cls(keys[kept], seen[kept], starts.astype(np.int32), flat[:, 0], flat[:, 1])

    def supports(self, words: list[str]) -> dict[int, list[Support]]:
        """{code number: what speaks for it in a note of these words, the greatest share first}."""
        spread = windows(words, LONGEST)
        where, place = _places(self.keys, spread.keys)
        phrases, first, times = np.unique(place, return_index=True, return_counts=True)
        found: dict[int, list[Support]] = defaultdict(list)
        for phrase, at, count in zip(phrases.tolist(), where[first].tolist(), times.tolist(), strict=True):
            size, start = int(spread.length[at]), int(spread.first[at])
            for entry in range(self.starts[phrase], self.starts[phrase + 1]):
                support = Support(int(self.notes[entry]), int(self.seen[phrase]), size, count, start)
                found[int(self.code[entry])].append(support)
        for supports in found.values():
            supports.sort(key=lambda s: (-s.share, -s.notes, s.first))
        return found

    def arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        return {f"{name}.{part}": getattr(self, part) for part in ("keys", "seen", "starts", "code", "notes")}

    @classmethod
    def of(cls, arrays: dict[str, npt.NDArray[Any]], name: str) -> PhraseTable:
        return cls(*(arrays[f"{name}.{part}"] for part in ("keys", "seen", "starts", "code", "notes")))


def _marked(note: NormalWords, spread: Windows, code: int, span: GoldEvidence) -> tuple[int, int] | None:
    """(key of the words that the span touches, code); None where they are none, too many, or have a break."""
    touched = np.flatnonzero((note.offsets[:, 0] < span.end) & (note.offsets[:, 1] > span.start))
    touched = [i for i in touched.tolist() if note.words[i]]
    if not touched:
        return None
    first, length = touched[0], touched[-1] - touched[0] + 1
    at = np.flatnonzero((spread.first == first) & (spread.length == length))
    return (int(spread.keys[at[0]]), code) if len(at) else None


def _places(
    keys: npt.NDArray[np.uint64], found: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(index into found, index into keys) of what is in both."""
    if not len(keys):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    place = np.minimum(np.searchsorted(keys, found), len(keys) - 1)
    same = np.flatnonzero(keys[place] == found)
    return same, place[same]
