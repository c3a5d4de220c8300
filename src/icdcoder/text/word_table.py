"""Numbers of words for many texts at once: a hash table in arrays, so that no Python object is made for a token.

A word of at most 16 ASCII characters is two 64-bit integers, exactly; a table of such pairs with open addressing is
looked up for all words of a chunk together. What does not fit (longer words, other scripts) is left to the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Words64 = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]

LONGEST = 16
# Words that are put into a larger table together.
AT_ONCE = 1 << 16
# The words of a text must be followed by so many bytes, since integers are read past a word's end.
PADDING = b" " * LONGEST
_MASKS = np.array([(1 << 8 * n) - 1 for n in range(9)], dtype=np.uint64)
_ONES, _HIGH = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
# Odd constants that spread the bits (those of splitmix64).
_SPREAD = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB], dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Cut:
    """The words of a text. starts: where each begins. first, second: its bytes as integers. overlong: which words have
    more than LONGEST bytes, so that their integers are but their beginnings."""

    starts: Indices
    first: Words64
    second: Words64
    overlong: Indices


def cut(text: bytes) -> Cut:
    """Words are runs of bytes that are not zero. The text begins with a zero byte and ends with more than LONGEST."""
    whole = np.frombuffer(text, dtype=np.uint8)
    word = whole != 0
    starts = np.flatnonzero(word[1:] > word[:-1]) + 1
    at = np.ndarray(shape=(len(text) - 7,), dtype="<u8", buffer=text, strides=(1,))
    first, longer = _up_to_zero(at[starts])
    second = np.zeros(len(starts), dtype=np.uint64)
    second[longer], longest = _up_to_zero(at[starts[longer] + 8])
    overlong = longer[longest]
    return Cut(starts, first, second, overlong[word[starts[overlong] + LONGEST]])


def _up_to_zero(eight: Words64) -> tuple[Words64, Indices]:
    """Eight bytes each without what follows a zero byte, and which of them hold none."""
    # The lowest bit that is left stands at the first zero byte (Mycroft's test); bits above it may mislead.
    zero = eight - _ONES
    zero &= ~eight
    zero &= _HIGH
    none = np.flatnonzero(zero == 0)
    zero &= np.negative(zero)
    zero >>= np.uint64(7)
    zero -= np.uint64(1)
    return eight & zero, none


def packed(text: bytes, starts: Indices, ends: Indices) -> tuple[Words64, Words64]:
    """The words as pairs of integers, for words of at most LONGEST bytes. The text ends with PADDING."""
    at = np.ndarray(shape=(len(text) - 7,), dtype="<u8", buffer=text, strides=(1,))
    lengths = ends - starts
    first = at[starts]
    first &= _MASKS[np.minimum(lengths, 8)]
    second = np.zeros(len(starts), dtype=np.uint64)
    longer = np.flatnonzero(lengths > 8)  # one word in seven
    second[longer] = at[starts[longer] + 8] & _MASKS[np.minimum(lengths[longer] - 8, 8)]
    return first, second


def unpacked(first: Words64, second: Words64) -> list[str]:
    """The words of such pairs."""
    whole = np.stack([first, second], axis=1).astype("<u8", copy=False)
    return whole.view(f"S{LONGEST}").ravel().astype(f"U{LONGEST}").tolist()


class WordTable:
    """Pairs of integers → numbers; `number(words)` is asked once for each word that is new."""

    def __init__(self, number: Callable[[list[str]], Sequence[int]]) -> None:
        self._number = number
        self._size = 0
        self._make(16)

    def __len__(self) -> int:
        return self._size

    def look_up(self, first: Words64, second: Words64) -> npt.NDArray[np.int32]:
        slots = self._slots(first, second)
        # Slots are within the table: "clip" spares the look at each that would say so.
        found = self._numbers.take(slots, mode="clip")
        hit = self._first.take(slots, mode="clip") == first
        hit &= self._second.take(slots, mode="clip") == second
        missed = np.flatnonzero(~hit)
        if len(missed):
            found[missed] = self._probe(first[missed], second[missed])
        return found

    def _probe(self, first: Words64, second: Words64) -> npt.NDArray[np.int32]:
        """The words that are not in their own slot: in one of the next, or new, as an empty slot before them says."""
        found = np.zeros(len(first), dtype=np.int32)
        new = [np.zeros(0, dtype=np.int64)]
        todo = np.arange(len(first))
        slots = self._slots(first, second)
        while len(todo):
            held = self._first[slots]
            hit = (held == first[todo]) & (self._second[slots] == second[todo])
            found[todo[hit]] = self._numbers[slots[hit]]
            empty = held == 0  # no word begins with a zero byte
            new.append(todo[empty])
            go_on = ~(hit | empty)
            todo, slots = todo[go_on], (slots[go_on] + 1) & self._last
        added = np.concatenate(new)
        if len(added):
            found[added] = self._add(first[added], second[added])
        return found

    def _add(self, first: Words64, second: Words64) -> npt.NDArray[np.int32]:
        """Words that are not held, each perhaps several times."""
        order = np.lexsort((second, first))
        first, second = first[order], second[order]
        other = np.ones(len(first), dtype=np.bool_)
        other[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
        kind = np.cumsum(other) - 1
        first, second = first[other], second[other]
        numbers = np.array(self._number(unpacked(first, second)), dtype=np.int32)
        self._size += len(numbers)
        while 2 * self._size > len(self._first):
            self._grow()
        self._insert(first, second, numbers)
        found = np.empty(len(order), dtype=np.int32)
        found[order] = numbers[kind]
        return found

    def _insert(self, first: Words64, second: Words64, numbers: npt.NDArray[np.int32]) -> None:
        """Each word into the first empty slot from its own; of several that want one slot, one gets it."""
        slots = self._slots(first, second)
        todo = np.arange(len(first))
        while len(todo):
            empty = np.flatnonzero(self._first[slots] == 0)
            _, one_each = np.unique(slots[empty], return_index=True)
            placed = empty[one_each]
            words, into = todo[placed], slots[placed]
            self._first[into], self._second[into], self._numbers[into] = first[words], second[words], numbers[words]
            left = np.ones(len(todo), dtype=np.bool_)
            left[placed] = False
            todo, slots = todo[left], (slots[left] + 1) & self._last

    def _make(self, bits: int) -> None:
        self._shift = np.uint64(64 - bits)
        self._last = (1 << bits) - 1
        self._first = np.zeros(1 << bits, dtype=np.uint64)
        self._second = np.zeros(1 << bits, dtype=np.uint64)
        self._numbers = np.zeros(1 << bits, dtype=np.int32)

    def _grow(self) -> None:
        full = self._first != 0
        first, second, numbers = self._first[full], self._second[full], self._numbers[full]
        self._make(66 - int(self._shift))
        for at in range(0, len(first), AT_ONCE):  # what is needed beside the table stays small
            some = slice(at, at + AT_ONCE)
            self._insert(first[some], second[some], numbers[some])

    def _slots(self, first: Words64, second: Words64) -> Indices:
        mixed = first * _SPREAD[0] ^ second * _SPREAD[1]
        mixed ^= mixed >> np.uint64(32)
        mixed *= _SPREAD[2]
        mixed >>= self._shift
        return mixed.view(np.int64)  # at least one bit was shifted out
