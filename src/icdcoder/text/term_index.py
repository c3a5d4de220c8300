"""Finding any of a hundred thousand terms in a note: each window of words is looked up by a hash of its words.

The hash of a window is the sum of its words' 64-bit hashes, so all windows of a note are one product of matrices, word
order does not matter ("fracture of the femoral neck", "femoral neck fracture"), and a note costs a few sorted look-ups
whatever the number of terms. Two different windows agree by chance once in 2^64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from icdcoder.text.memo import Memo
from icdcoder.text.normal_form import NormalWords

MAX_WORDS = 9
_FILTER_BITS = 22
_SHIFT = np.uint64(64 - _FILTER_BITS)
# Words of the longest window, by the number of words skipped in it.
_LONGEST = (MAX_WORDS, 6, 5)
# Windows that begin at so many words are looked up together: a note of 500 words costs hardly more than one of 50.
_BLOCK = 4096


class Match(NamedTuple):
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
        self._keys = np.asarray(keys)  # a plain view of a mapped array, which is quicker to index
        self._longest = longest
        # One bit for each possible start of a key spares nearly all windows the search among the keys.
        self._filter = np.zeros(1 << _FILTER_BITS, dtype=np.bool_)
        self._filter[self._keys >> _SHIFT] = True

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
        shapes = _shapes(gaps, min(self._longest, len(note.words)))
        found: list[Match] = []
        covered = [0] * len(note.words)
        for number, first, term in self._hits(note.words, shapes):
            words, skipped = shapes[number]
            last = first + words - 1
            # A window that begins and ends inside one longer match is a part of it.
            inside = covered[first] > 0 and covered[first] == covered[last]
            if inside and (skipped or not nested):
                continue
            found.append(Match(first, last, term, len(skipped), inside))
            if not inside and not skipped:
                covered[first : last + 1] = [len(found)] * words
        return sorted(found, key=lambda m: (m.first, m.last, m.gaps))

    def _hits(self, words: list[str], shapes: tuple[_Shape, ...]) -> list[tuple[int, int, int]]:
        """(number of the shape, first word, term) of the windows that are a term and cross no break, rising."""
        # Breaks behind the last word, so that a window which goes on there is none.
        hashes = np.full(len(words) + MAX_WORDS - 1, _BREAK)
        hashes[: len(words)] = np.fromiter(map(_HASHES.__getitem__, words), dtype=np.uint64, count=len(words))
        breaks = np.concatenate([[0], np.cumsum(hashes == _BREAK)])
        lengths = np.array([length for length, _ in shapes])
        counted = _counted(shapes)
        found: list[tuple[int, int, int]] = []
        for begin in range(0, len(words), _BLOCK):
            size = min(_BLOCK, len(words) - begin)
            # "shape word": the key of each shape's window that begins at the word.
            keys = (counted @ sliding_window_view(hashes[begin : begin + size + MAX_WORDS - 1], size)).ravel()
            likely = np.flatnonzero(self._filter.take((keys >> _SHIFT).view(np.int64), mode="clip"))
            keys = keys[likely]
            at = np.minimum(self._keys.searchsorted(keys), len(self._keys) - 1)
            number, first = np.divmod(likely, size)
            first += begin
            hit = (self._keys[at] == keys) & (breaks[first] == breaks[first + lengths[number]])
            found += zip(number[hit].tolist(), first[hit].tolist(), at[hit].tolist(), strict=True)
        return sorted(found)

    def save(self, path: Path) -> None:
        np.save(path, np.concatenate([np.array([self._longest], dtype=np.uint64), self._keys]))

    @classmethod
    def load(cls, path: Path) -> TermIndex:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
        return cls(stored[1:], int(stored[0]))


_Shape = tuple[int, tuple[int, ...]]
"""Words of a window, and the positions in it that are skipped; the first and last word always count."""


@lru_cache(maxsize=64)
def _shapes(gaps: int, longest: int) -> tuple[_Shape, ...]:
    """Those of windows with at most so many gaps and words: fewest skipped first, longer ones before shorter ones."""
    return tuple(
        (words, skipped)
        for count in range(gaps + 1)
        for words in range(min(_LONGEST[count], longest), count + (count > 0), -1)
        for skipped in combinations(range(1, words - 1), count)
    )


@lru_cache(maxsize=64)
def _counted(shapes: tuple[_Shape, ...]) -> npt.NDArray[np.uint64]:
    """ "shape position": 1 where the word at this position of a window counts. The product with the hashes at each
    position gives the keys of all windows at once."""
    rows = [[int(at < words and at not in skipped) for at in range(MAX_WORDS)] for words, skipped in shapes]
    return np.array(rows, dtype=np.uint64)


def term_key(words: Sequence[str]) -> int:
    return sum(map(_HASHES.__getitem__, words)) & 0xFFFFFFFFFFFFFFFF


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")


_HASHES = Memo(_hash, most=400_000)
_BREAK = np.uint64(_hash(""))
