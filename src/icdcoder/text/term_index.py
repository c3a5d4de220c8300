"""Finding any of a hundred thousand terms in a note: each window of words is looked up by a hash of its words.

The hash of a window is the sum of its words' 64-bit hashes, so all windows of one length are one subtraction of
running sums, word order does not matter ("fracture of the femoral neck", "femoral neck fracture"), and a note costs
a few sorted look-ups whatever the number of terms. Two different windows agree by chance once in 2^64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt

from icdcoder.text.normal_form import NormalWords

MAX_WORDS = 9
_FILTER_BITS = 22
# (words of a window, positions in it that are skipped), fewest skipped first; the first and last word always count.
_GAPPED = tuple(
    (words, skipped)
    for count, longest in ((1, 6), (2, 5))
    for words in range(longest, count + 1, -1)
    for skipped in combinations(range(1, words - 1), count)
)


@dataclass(frozen=True, slots=True)
class Match:
    """Words [first, last] of the note are term number `term` of the index.

    gaps: how many of these words are not the term's. nested: the match is a part of a longer one without gaps.
    """

    first: int
    last: int
    term: int
    gaps: int = 0
    nested: bool = False


class TermIndex:
    """An immutable set of terms, each a bag of normal words; terms are numbered 0 … n-1 in order of their hash."""

    def __init__(self, keys: npt.NDArray[np.uint64], longest: int) -> None:
        self._keys = keys
        self._longest = longest
        # One bit for each possible start of a key spares nearly all windows the search among the keys.
        self._filter = np.zeros(1 << _FILTER_BITS, dtype=np.bool_)
        self._filter[keys >> np.uint64(64 - _FILTER_BITS)] = True

    @classmethod
    def build(cls, terms: Iterable[Sequence[str]]) -> TermIndex:
        """terms: normal words of each term. Terms of no word or more than MAX_WORDS words are left out."""
        return cls.build_in_order(list(terms))[0]

    @classmethod
    def build_in_order(cls, terms: Sequence[Sequence[str]]) -> tuple[TermIndex, list[int]]:
        """The index of these terms, and for each of its numbers the place of the term in `terms`."""
        fitting = [place for place, words in enumerate(terms) if 0 < len(words) <= MAX_WORDS]
        keys = np.array([term_key(terms[place]) for place in fitting], dtype=np.uint64)
        unique, first = np.unique(keys, return_index=True)
        longest = max((len(terms[place]) for place in fitting), default=1)
        return cls(unique, longest), [fitting[at] for at in first.tolist()]

    def __len__(self) -> int:
        return len(self._keys)

    def number(self, words: Sequence[str]) -> int | None:
        """The number of a term, or None where the index does not hold it."""
        if not 0 < len(words) <= MAX_WORDS:
            return None
        key = np.uint64(term_key(words))
        at = int(np.searchsorted(self._keys, key))
        return at if at < len(self._keys) and self._keys[at] == key else None

    def find(self, note: NormalWords, *, gaps: int = 0, nested: bool = False) -> list[Match]:
        """Every term in the note that is not part of a longer one found there, in reading order.

        gaps: also terms with so many words (0, 1 or 2) standing between their own ("fracture of the distal radius"
        for "radius fracture"). nested: also terms inside longer ones, marked as such.
        """
        if not note.words or not len(self._keys):
            return []
        hashes = np.fromiter((_hash(word) for word in note.words), dtype=np.uint64, count=len(note.words))
        sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(hashes)])
        breaks = np.concatenate([[0], np.cumsum([not word for word in note.words])])
        found: list[Match] = []
        covered = np.zeros(len(note.words), dtype=np.int32)
        for length in range(min(self._longest, len(note.words)), 0, -1):
            for first, term in self._windows(sums[length:] - sums[:-length], breaks, length):
                last = first + length - 1
                # A window that begins and ends inside one longer match is a part of it.
                inside = bool(covered[first]) and covered[first] == covered[last]
                if inside and not nested:
                    continue
                found.append(Match(first, last, term, 0, inside))
                if not inside:
                    covered[first : last + 1] = len(found)
        for words, skipped in _GAPPED:
            if len(skipped) > gaps or words > min(self._longest, len(note.words)):
                continue
            keys = sums[words:] - sums[:-words]
            for position in skipped:
                keys = keys - hashes[position : position + len(keys)]
            for first, term in self._windows(keys, breaks, words):
                last = first + words - 1
                if not (covered[first] and covered[first] == covered[last]):
                    found.append(Match(first, last, term, len(skipped)))
        return sorted(found, key=lambda m: (m.first, m.last, m.gaps))

    def _windows(
        self, keys: npt.NDArray[np.uint64], breaks: npt.NDArray[np.int64], words: int
    ) -> Iterator[tuple[int, int]]:
        """(first word, term) of the windows of so many words whose key is a term's and that cross no break."""
        whole = breaks[words:] == breaks[:-words]
        near = np.flatnonzero(whole & self._filter[keys >> np.uint64(64 - _FILTER_BITS)])
        at = np.minimum(np.searchsorted(self._keys, keys[near]), len(self._keys) - 1)
        hit = self._keys[at] == keys[near]
        yield from zip(near[hit].tolist(), at[hit].tolist(), strict=True)

    def save(self, path: Path) -> None:
        np.save(path, np.concatenate([np.array([self._longest], dtype=np.uint64), self._keys]))

    @classmethod
    def load(cls, path: Path) -> TermIndex:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
        return cls(stored[1:], int(stored[0]))


def term_key(words: Sequence[str]) -> int:
    return sum(_hash(word) for word in words) & 0xFFFFFFFFFFFFFFFF


@lru_cache(maxsize=400_000)
def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
