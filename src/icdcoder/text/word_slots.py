"""Numbers of the words of one short text, without a Python object for each word.

A word of at most 16 ASCII characters is two 64-bit integers (`word_table.packed`). Each has one slot, given by its
hash, which the first word that asks for it takes for good; as common words come early, nearly all words of a text are
found there. Longer words, and those whose slot another has taken, are asked for by name. `word_table` finds every word
and grows, which pays for chunks of many texts; here a table of fixed size costs a tenth of a millisecond a note.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from icdcoder.text.word_table import LONGEST, PADDING, Indices, packed

__all__ = ["PADDING", "WordSlots"]

# Of 32 bytes: the table stays within a processor's cache, and a word takes one line of it.
_BITS = 14
# Odd constants that spread the bits (those of splitmix64).
_SPREAD = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9], dtype=np.uint64)


class WordSlots:
    """number: the number of a word, the same each time it is asked."""

    def __init__(self, number: Callable[[str], int]) -> None:
        self._number = number
        # Of each slot the two integers of its word and the word's number, side by side in memory.
        self._slots = np.zeros((1 << _BITS, 4), dtype=np.uint64)

    def look_up(self, text: str, raw: bytes, starts: Indices, ends: Indices) -> npt.NDArray[np.int32]:
        """The numbers of the words of a text, which hold letters and digits only. raw: the text with a "?" for each
        character beyond ASCII, and PADDING at its end. So a word with such a character is never found in a slot."""
        first, second = packed(raw, starts, ends)
        slots = first * _SPREAD[0]
        slots ^= second * _SPREAD[1]
        slots >>= np.uint64(64 - _BITS)
        held = self._slots.take(slots.view(np.int64), axis=0, mode="clip")
        hit = held[:, 0] == first
        hit &= held[:, 1] == second
        hit &= ends - starts <= LONGEST
        found = held[:, 2].astype(np.int32)
        for i in np.flatnonzero(~hit).tolist():
            word = text[starts[i] : ends[i]]
            found[i] = number = self._number(word)
            slot = slots[i]
            if not self._slots[slot, 0] and len(word) <= LONGEST and word.isascii():
                self._slots[slot, :3] = first[i], second[i], number
        return found
