"""How much a note says what a code's description says: words weighed by how few descriptions have them.

The classic measure of retrieval (inverse document frequency, Spärck Jones 1972; the cosine of Salton and Buckley 1988),
with the descriptions of all codes as the documents, so that nothing of a corpus is in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.text.normal_form import NormalWords
from icdcoder.text.term_index import term_key
from icdcoder.text.word_variants import joined

NAMES: tuple[str, ...] = (
    "description_near",  # cosine of the description and the words around the best mention
    "description_in_note",  # share of the description that the note has anywhere, by weight
    "description_missing",  # weight of its rarest word that the note has not
)
# Words before and after a mention that count as near.
AROUND = 8
_KEPT = 200_000


@dataclass(frozen=True, eq=False)
class Rarity:
    """keys: hashes of words, rising. weights: of each, log of how few descriptions have it. unknown: of other words."""

    keys: npt.NDArray[np.uint64]
    weights: npt.NDArray[np.float32]
    unknown: float
    _of: dict[str, float] = field(default_factory=dict, repr=False)

    @classmethod
    def of_descriptions(cls, descriptions: Iterable[frozenset[str]]) -> Rarity:
        """descriptions: the content words of each code's."""
        counts: Counter[str] = Counter()
        total = 0
        for words in descriptions:
            counts.update(words)
            total += 1
        by_key = {term_key((word,)): count for word, count in counts.items()}
        keys = np.array(sorted(by_key), dtype=np.uint64)
        seen = np.array([by_key[key] for key in keys.tolist()], dtype=np.float64)
        return cls(keys, np.log((1 + total) / (1 + seen)).astype(np.float32), float(np.log(1 + total)))

    def weight(self, word: str) -> float:
        found = self._of.get(word)
        if found is None:
            key = np.uint64(term_key((word,)))
            place = int(np.searchsorted(self.keys, key))
            known = place < len(self.keys) and self.keys[place] == key
            found = float(self.weights[place]) if known else self.unknown
            if len(self._of) < _KEPT:
                self._of[word] = found
        return found

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"rarity.keys": self.keys, "rarity.weights": self.weights, "rarity.unknown": np.array([self.unknown])}

    @classmethod
    def of(cls, arrays: dict[str, npt.NDArray[Any]]) -> Rarity:
        return cls(arrays["rarity.keys"], arrays["rarity.weights"], float(arrays["rarity.unknown"][0]))


def rows(
    note: NormalWords,
    described: Sequence[frozenset[str]],
    places: Sequence[tuple[int, int]],
    rarity: Rarity,
) -> npt.NDArray[np.float32]:
    """ "candidate feature", in the order of NAMES. described: content words of each candidate's description. places:
    [start, end) of its best mention in the note."""
    if not described:
        return np.zeros((0, len(NAMES)), dtype=np.float32)
    number: dict[str, int] = {}
    own = np.array(
        [number.setdefault(joined(word), len(number)) if word else -1 for word in note.words], dtype=np.int64
    )
    weights = np.array([rarity.weight(word) for word in number], dtype=np.float64)
    size = len(own)
    # All (candidate, word of its description) pairs in one row: which candidate, which word of the note or -1, weight.
    candidate = np.repeat(np.arange(len(described)), [len(words) for words in described])
    flat = [word for words in described for word in words]
    word = np.array([number.get(one, -1) for one in flat], dtype=np.int64)
    weight = np.array([rarity.weight(one) for one in flat], dtype=np.float64)
    low, high = _around(note, places)
    # Occurrences in order of word and place: the first one from `low` on is near where it stands before `high`.
    occurrences = np.sort(own * size + np.arange(size))
    from_low = word * size + low[candidate]
    found = np.append(occurrences, np.iinfo(np.int64).max)[np.searchsorted(occurrences, from_low)]
    near = (word >= 0) & (found < word * size + high[candidate])
    count = len(described)
    squares = np.bincount(candidate, weight**2, count)
    running = np.append(0.0, np.cumsum(np.where(own >= 0, np.append(weights, 0.0)[own] ** 2, 0.0)))
    window = running[high] - running[low]
    length = np.sqrt(squares * window)
    total = np.bincount(candidate, weight, count)
    there = np.bincount(candidate, weight * (word >= 0), count)
    missing = np.zeros(count)
    np.maximum.at(missing, candidate, np.where(word < 0, weight, 0.0))
    return np.stack(
        [
            np.bincount(candidate, weight**2 * near, count) / np.where(length > 0, length, 1.0),
            there / np.where(total > 0, total, 1.0),
            missing,
        ],
        axis=1,
    ).astype(np.float32)


def _around(
    note: NormalWords, places: Sequence[tuple[int, int]]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """[low, high) in words around each place in characters."""
    starts, ends = np.array(places, dtype=np.int64).reshape(-1, 2).T
    low = np.searchsorted(note.offsets[:, 1], starts, "right") - AROUND
    high = np.searchsorted(note.offsets[:, 0], ends, "left") + AROUND
    return np.clip(low, 0, len(note.words)), np.clip(high, 0, len(note.words))
