"""Which words of a text stand inside one of a few thousand terms, found in well under a millisecond a note.

Unlike `term_index`, which says which term stands where, this only says what is covered, as a sampler needs it. Words
become the numbers of the terms' own words at once; windows are then looked up by the sum of their words' hashes, and
only windows in which every word belongs to some term are looked at.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt

from icdcoder.text.normal_form import FILLER, normal_form
from icdcoder.text.word_slots import PADDING, WordSlots

Offsets = npt.NDArray[np.int64]

LONGEST = 9
_WORD = re.compile(r"[^\W_]+")
_LETTER, _STOP, _BLANK = 1, 2, 3
_LAST = 0xFFFF
# What the words of the text can be beside the words of terms, which are numbered from 2.
_STRANGE, _FILLER = 0, 1
# One place for each possible start of a key spares nearly all windows the search among the keys.
_FILTER_BITS = 16


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
        self._slots = WordSlots(numbers.__getitem__)
        self._hashes = numbers.hashes()
        self._alone = np.isin(self._hashes, np.array(sorted(by_length.pop(1, set())), dtype=np.uint64))
        self._alone[: _FILLER + 1] = False
        self._longest = max(by_length, default=1)
        self._keys = np.array(sorted(set().union(*by_length.values())), dtype=np.uint64)
        self._filter = np.zeros(1 << _FILTER_BITS, dtype=np.bool_)
        self._filter[self._keys >> np.uint64(64 - _FILTER_BITS)] = True

    def words(self, text: str) -> Offsets:
        """ "word 2": [start, end) of each word that stands in a term, rising. Filler between them is not covered."""
        offsets, stops, numbers = self._read(text)
        at = np.flatnonzero(numbers > _FILLER)
        covered = self._alone[numbers[at]]
        if len(at) > 1 and len(self._keys):
            # Two words are neighbours where nothing but filler stands between them, and no sentence ends.
            between = np.cumsum(numbers == _STRANGE)[at]
            between += np.searchsorted(stops, offsets[at, 0])
            self._cover(covered, between[1:] == between[:-1], self._hashes[numbers[at]])
        return offsets[at[covered]]

    def _read(self, text: str) -> tuple[Offsets, npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """(offsets of the words, places of the ends of sentences, number of each word)."""
        raw = text.encode("ascii", "replace") + PADDING  # a byte for each character
        if text.isascii():
            kinds = np.frombuffer(raw.translate(_ascii_kinds()), dtype=np.uint8)
        else:
            characters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
            kinds = np.append(_kinds()[np.minimum(characters, _LAST)], np.uint8(_BLANK))
        offsets, stops = _bounds(kinds)
        return offsets, stops, self._slots.look_up(text, raw, offsets[:, 0], offsets[:, 1])

    def _cover(
        self, covered: npt.NDArray[np.bool_], linked: npt.NDArray[np.bool_], hashes: npt.NDArray[np.uint64]
    ) -> None:
        """Marks the words of every window of neighbours that is a term. linked: whether a word and the next are
        neighbours. The windows of all lengths are looked up together."""
        ends = np.append(np.flatnonzero(~linked), len(linked))
        starts = np.arange(len(hashes))
        # How many words each start can take along.
        more = np.minimum(ends[np.searchsorted(ends, starts)] - starts, self._longest - 1)
        before = np.cumsum(more) - more
        starts = np.repeat(starts, more)
        lengths = np.arange(len(starts)) - np.repeat(before, more) + 2
        sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(hashes)])
        wanted = sums[starts + lengths] - sums[starts]
        likely = np.flatnonzero(self._filter[wanted >> np.uint64(64 - _FILTER_BITS)])
        wanted = wanted[likely]
        near = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        found = likely[self._keys[near] == wanted]
        for start, length in zip(starts[found].tolist(), lengths[found].tolist(), strict=True):
            covered[start : start + length] = True


def _bounds(kinds: npt.NDArray[np.uint8]) -> tuple[Offsets, npt.NDArray[np.int64]]:
    """(offsets of the words, places of the ends of sentences). kinds: of the characters, the last of them a blank."""
    filled = kinds == _LETTER
    edges = np.flatnonzero(filled[1:] != filled[:-1]) + 1
    if filled[0]:
        edges = np.append(0, edges)
    # A stop ends a sentence where a blank, or nothing, follows.
    stops = np.flatnonzero(kinds[:-1] == _STOP)
    return edges.reshape(-1, 2), stops[kinds[stops + 1] == _BLANK]


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """The kind of each character of the basic plane. What stands outside it (_LAST stands for it) is of none."""
    return np.array([*(_kind(chr(i)) for i in range(_LAST)), 0], dtype=np.uint8)


@cache
def _ascii_kinds() -> bytes:
    return bytes(_kind(chr(i)) if i < 128 else 0 for i in range(256))


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
