"""Which words of a text stand inside one of a few thousand terms, found in well under a millisecond a note.

Unlike `term_index`, which says which term stands where, this only says what is covered, as a sampler needs it. Words
become the numbers of the terms' own words at once; windows are then looked up by the sum of their words' hashes, and
only windows in which every word belongs to some term are looked at.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from icdcoder.text.normal_form import FILLER, normal_form

Offsets = npt.NDArray[np.int64]

LONGEST = 9
_WORD = re.compile(r"[^\W_]+")
_LETTER, _STOP, _BLANK = 1, 2, 3
_LAST = 0xFFFF
# What the words of the text can be beside the words of terms, which are numbered from 2.
_STRANGE, _FILLER = 0, 1


class TermCoverage:
    """An immutable set of terms. Words agree in their normal form (`normal_form`), in any order, filler left out; a
    word that a term has in capitals throughout (MI, OR) counts in capitals only."""

    def __init__(self, terms: Iterable[str]) -> None:
        """Terms of no word or of more than LONGEST words are left out."""
        numbers = _Numbers()
        by_length: dict[int, set[int]] = {}
        for term in terms:
            words = [number for word in _WORD.findall(term) if (number := numbers.learn(word)) != _FILLER]
            if 0 < len(words) <= LONGEST:
                by_length.setdefault(len(words), set()).add(sum(map(numbers.hash_of, words)) & 0xFFFFFFFFFFFFFFFF)
        self._numbers = numbers
        self._hashes = numbers.hashes()
        self._alone = np.isin(self._hashes, np.array(sorted(by_length.pop(1, set())), dtype=np.uint64))
        self._alone[: _FILLER + 1] = False
        self._keys = {length: np.array(sorted(by_length[length]), dtype=np.uint64) for length in sorted(by_length)}

    def words(self, text: str) -> Offsets:
        """ "word 2": [start, end) of each word that stands in a term, rising. Filler between them is not covered."""
        found = _words(text)
        numbers = np.fromiter(map(self._numbers.__getitem__, found.words), dtype=np.int32, count=len(found.words))
        telling = np.flatnonzero(numbers != _FILLER)
        known = np.flatnonzero(numbers[telling] != _STRANGE)
        at = telling[known]
        covered = self._alone[numbers[at]]
        if len(at) > 1 and self._keys:
            # Two words are neighbours where nothing but filler stands between them, and no sentence ends.
            linked = np.zeros(len(at), dtype=np.bool_)
            linked[:-1] = (np.diff(known) == 1) & (np.diff(found.stops[at]) == 0)
            self._cover(covered, linked, self._hashes[numbers[at]])
        return found.offsets[at[covered]]

    def _cover(
        self, covered: npt.NDArray[np.bool_], linked: npt.NDArray[np.bool_], hashes: npt.NDArray[np.uint64]
    ) -> None:
        """Marks the words of every window that is a term. Each step keeps the starts whose window can grow by one."""
        sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(hashes)])
        starts = np.arange(len(hashes))
        for length in range(2, max(self._keys) + 1):
            starts = starts[linked[starts + length - 2]]
            if not len(starts):
                return
            keys = self._keys.get(length)
            if keys is None:
                continue
            wanted = sums[starts + length] - sums[starts]
            near = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            for start in starts[keys[near] == wanted].tolist():
                covered[start : start + length] = True


@dataclass(frozen=True, slots=True)
class _Words:
    """stops: for each word, how many ends of sentences stand before it."""

    words: list[str]
    offsets: Offsets
    stops: npt.NDArray[np.int64]


def _words(text: str) -> _Words:
    characters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    kinds = _kinds()[np.minimum(characters, _LAST)]
    filled, stops = kinds == _LETTER, kinds == _STOP
    change = np.empty(len(filled) + 1, dtype=np.bool_)
    change[0], change[-1] = (filled[0], filled[-1]) if len(filled) else (False, False)
    np.not_equal(filled[1:], filled[:-1], out=change[1:-1])
    offsets = np.flatnonzero(change).reshape(-1, 2)
    # A stop ends a sentence where a blank, or nothing, follows.
    stops[:-1] &= kinds[1:] == _BLANK
    words = np.where(filled, characters, np.uint32(32)).tobytes().decode("utf-32-le", "surrogatepass").split()
    return _Words(words, offsets, np.searchsorted(np.flatnonzero(stops), offsets[:, 0]))


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """The kind of each character of the basic plane. What stands outside it (_LAST stands for it) is of none."""
    return np.array([*(_kind(chr(i)) for i in range(_LAST)), 0], dtype=np.uint8)


def _kind(character: str) -> int:
    return _LETTER if character.isalnum() else _STOP if character in ".;:!?" else _BLANK if character.isspace() else 0


class _Numbers(dict[str, int]):
    """Word as it is written → its number. A spelling that has not been seen before is worked out once."""

    MOST = 500_000

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[str, int] = {}

    def learn(self, word: str) -> int:
        """The number of a term's word; made up where it is new."""
        key = word if _is_shouted(word) else normal_form(word)
        if _is_filler(key):
            return _FILLER
        return self._keys.setdefault(key, len(self._keys) + _FILLER + 1)

    def __missing__(self, word: str) -> int:
        number = self._keys.get(word) if _is_shouted(word) else None
        if number is None:
            key = normal_form(word)
            number = _FILLER if _is_filler(key) else self._keys.get(key, _STRANGE)
        if len(self) < self.MOST:  # notes hold ever new numbers and names
            self[word] = number
        return number

    def hash_of(self, number: int) -> int:
        return int.from_bytes(hashlib.blake2b(str(number).encode(), digest_size=8).digest(), "little")

    def hashes(self) -> npt.NDArray[np.uint64]:
        return np.array([self.hash_of(i) for i in range(len(self._keys) + _FILLER + 1)], dtype=np.uint64)


def _is_shouted(word: str) -> bool:
    return len(word) > 1 and word.isupper()


def _is_filler(key: str) -> bool:
    return key in FILLER or key == "s"  # the s of a possessive
