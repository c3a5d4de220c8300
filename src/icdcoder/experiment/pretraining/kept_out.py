"""Texts that must not be in a training text, recognised by what they say and not by their names.

Two texts are compared by their runs of eight words, letters only in small. A text is kept out where more than a given
share of its runs stands in an excluded text, or more than that share of an excluded text's runs stands in it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

RUN = 8
_WORD = re.compile(r"\w+")
# Odd, so that no information of a word's number is lost; one for each place of a run.
_FACTORS = np.array([(0x9E3779B97F4A7C15 * (2 * i + 1)) % 2**64 | 1 for i in range(RUN)], dtype=np.uint64)


class KeptOut:
    """limit: share of runs from which on two texts count as overlapping."""

    def __init__(self, texts: Iterable[str], limit: float) -> None:
        self.limit = limit
        found = [runs(text) for text in texts]
        self._sizes = np.array([len(one) for one in found], dtype=np.int64)
        every = np.concatenate([*found, np.zeros(0, np.uint64)])
        owners = np.repeat(np.arange(len(found)), self._sizes)
        order = np.argsort(every, kind="stable")
        self._runs, self._owners = every[order], owners[order]

    def __len__(self) -> int:
        return len(self._sizes)

    def holds(self, text: str) -> bool:
        """Whether a text overlaps with an excluded one."""
        own = runs(text)
        if not len(own) or not len(self._runs):
            return False
        first, last = np.searchsorted(self._runs, own, "left"), np.searchsorted(self._runs, own, "right")
        if (last > first).mean() > self.limit:
            return True
        owners = [self._owners[a:b] for a, b in zip(first, last, strict=True) if b > a]
        if not owners:
            return False
        shared = np.bincount(np.concatenate(owners), minlength=len(self._sizes))
        return bool((shared > self.limit * self._sizes).any())


def runs(text: str) -> npt.NDArray[np.uint64]:
    """A number for each different run of eight words, sorted; a shorter text is one run; "" has none."""
    words = np.array([zlib.crc32(word.encode()) for word in _WORD.findall(text.lower())], dtype=np.uint64)
    if not len(words):
        return words
    if len(words) < RUN:
        words = np.concatenate([words, np.zeros(RUN - len(words), np.uint64)])
    windows = np.lib.stride_tricks.sliding_window_view(words, RUN)
    return np.unique((windows * _FACTORS).sum(1, dtype=np.uint64))
