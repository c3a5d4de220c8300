"""All short windows of a note's words, as hashes that do not depend on word order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icdcoder.text.term_index import term_key


@dataclass(frozen=True, slots=True)
class Windows:
    """keys: "window", the sum of the hashes of its words. first: its first word. length: in words."""

    keys: npt.NDArray[np.uint64]
    first: npt.NDArray[np.int32]
    length: npt.NDArray[np.int32]


def windows(words: list[str], longest: int) -> Windows:
    """Every window of 1 to `longest` words that no break ("") lies in."""
    hashes = np.fromiter((term_key((word,)) if word else 0 for word in words), dtype=np.uint64, count=len(words))
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(hashes, dtype=np.uint64)])
    breaks = np.concatenate([[0], np.cumsum([not word for word in words])])
    keys, first, length = [], [], []
    for size in range(1, min(longest, len(words)) + 1):
        whole = np.flatnonzero(breaks[size:] == breaks[:-size])
        keys.append(sums[whole + size] - sums[whole])
        first.append(whole.astype(np.int32))
        length.append(np.full(len(whole), size, dtype=np.int32))
    if not keys:
        return Windows(np.zeros(0, np.uint64), np.zeros(0, np.int32), np.zeros(0, np.int32))
    return Windows(np.concatenate(keys), np.concatenate(first), np.concatenate(length))
