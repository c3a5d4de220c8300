"""How much of a phrase a note says, and where: phrases against windows of words, with what the note asserts of them.

The score of a phrase in a window is BM25 without saturation and length (k1 = 0, b = 0; Robertson & Zaragoza 2009) over
that of a window which holds the whole phrase: the share of the phrase's words that are there, each weighted by its
inverse document frequency. So it lies in [0, 1] and compares across phrases. A window is a few words, in which a
phrase has room with some words between, and never crosses the end of a sentence or an item of a list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

from icdcoder.text.assertion import Assertions, Status
from icdcoder.text.normal_form import NormalWords, normal_words
from icdcoder.text.sections import split

# Words of a window and between the starts of two.
WINDOW = 10
STEP = 3
# Below this share of a phrase nothing is looked at more closely, and at most so many windows a phrase are.
LEAST = 0.5
TRIED = 3
# What is left of a score where the note does not plainly affirm the phrase.
WEIGHT_OF: Mapping[Status, float] = {
    "affirmed": 1.0,
    "historical": 0.8,
    "uncertain": 0.7,
    "hypothetical": 0.2,
    "family": 0.1,
    "negated": 0.05,
}


@dataclass(frozen=True, slots=True)
class Found:
    """score: in [0, 1], the share of the phrase that is said, weighted by what the note asserts. [start, end): from the
    first to the last word of it, in the text."""

    score: float
    start: int
    end: int
    status: Status


class PhraseWindows:
    """An immutable list of phrases, each of which belongs to a group (a concept with several wordings).

    groups: for each phrase the number of its group, from 0. rarity: inverse document frequency by normal word; a word
    that is not there counts as the rarest.
    """

    def __init__(self, phrases: Sequence[str], groups: Sequence[int], rarity: Mapping[str, float]) -> None:
        self.groups = np.asarray(groups, dtype=np.int64)
        bags = [sorted({word for word in normal_words(phrase).words if word}) for phrase in phrases]
        self._words = {word: i for i, word in enumerate(sorted({word for bag in bags for word in bag}))}
        rarest = max(rarity.values(), default=1.0)
        postings: list[tuple[int, int, float]] = []
        for phrase, bag in enumerate(bags):
            weights = [rarity.get(word, rarest) for word in bag]
            whole = max(sum(weights), 1e-9)
            postings += [(self._words[word], phrase, w / whole) for word, w in zip(bag, weights, strict=True)]
        postings.sort()
        # The phrases of a word, and what the word weighs in each: those of word i lie at _starts[i] : _starts[i + 1].
        self._phrases = np.array([phrase for _, phrase, _ in postings], dtype=np.int64)
        self._weights = np.array([weight for _, _, weight in postings], dtype=np.float32)
        counts = np.bincount([word for word, _, _ in postings], minlength=len(self._words)).astype(np.int64)
        self._starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])

    @property
    def words(self) -> Iterable[str]:
        """The normal words of all phrases."""
        return self._words

    def find(self, text: str) -> dict[int, Found]:
        """The best that the text says of each group of which it says at least LEAST of a phrase."""
        note = normal_words(text)
        numbers = np.array([self._words.get(word, -1) for word in note.words], dtype=np.int64)
        known, place = np.unique(numbers[numbers >= 0], return_inverse=True)
        if not len(known):
            return {}
        local = np.full(len(numbers), -1)
        local[numbers >= 0] = place
        phrases, weights = self._candidates(known)
        windows = _windows(note)
        present = np.zeros((len(windows), len(known)), dtype=np.float32)
        for row, (first, last) in enumerate(windows):
            own = local[first:last]
            present[row, own[own >= 0]] = 1.0
        shares = present @ weights
        assertions = Assertions(text, split(text))
        best: dict[int, Found] = {}
        for column in np.flatnonzero(shares.max(0) >= LEAST) if len(phrases) else ():
            group = int(self.groups[phrases[column]])
            for row in np.argsort(-shares[:, column], kind="stable")[:TRIED]:
                share = min(1.0, float(shares[row, column]))
                if share < LEAST or (group in best and best[group].score >= share):
                    break
                first, last = windows[row]
                own = local[first:last]
                hits = first + np.flatnonzero((own >= 0) & (weights[np.maximum(own, 0), column] > 0))
                start, end = int(note.offsets[hits[0], 0]), int(note.offsets[hits[-1], 1])
                status = assertions.of(start, end).status
                found = Found(share * WEIGHT_OF[status], start, end, status)
                if group not in best or found.score > best[group].score:
                    best[group] = found
        return best

    def _candidates(self, known: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """(phrases of which the whole note says at least LEAST, "word phrase": their weights of the words `known`)."""
        parts = [slice(self._starts[word], self._starts[word + 1]) for word in known]
        phrases = np.concatenate([self._phrases[part] for part in parts])
        weights = np.concatenate([self._weights[part] for part in parts])
        words = np.repeat(np.arange(len(known)), self._starts[known + 1] - self._starts[known])
        said = np.bincount(phrases, weights, minlength=len(self.groups))
        candidates = np.flatnonzero(said >= LEAST)
        column = np.full(len(self.groups), -1)
        column[candidates] = np.arange(len(candidates))
        kept = column[phrases] >= 0
        matrix = np.zeros((len(known), len(candidates)), dtype=np.float32)
        matrix[words[kept], column[phrases[kept]]] = weights[kept]
        return candidates, matrix


def rarity(words: Iterable[str], texts: Iterable[str]) -> dict[str, float]:
    """Inverse document frequency of some normal words in some texts: log(1 + (n − f + 0.5) / (f + 0.5))."""
    wanted = set(words)
    counts: Counter[str] = Counter()
    number = 0
    for text in texts:
        counts.update(wanted.intersection(normal_words(text).words))
        number += 1
    return {word: log(1 + (number - counts[word] + 0.5) / (counts[word] + 0.5)) for word in sorted(wanted)}


def _windows(note: NormalWords) -> list[tuple[int, int]]:
    """[first, last) words of each window."""
    found = []
    start = 0
    for at, word in enumerate([*note.words, ""]):
        if word:
            continue
        for first in range(start, max(start + 1, at - WINDOW + STEP), STEP):
            if first < at:
                found.append((first, min(at, first + WINDOW)))
        start = at + 1
    return found
