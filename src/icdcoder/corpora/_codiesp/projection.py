"""Evidence carried over from a text to its translation, word by word.

The corpus marks evidence in the Spanish texts only. Word translations are learnt from the parallel sentences, by
model 1 of Brown et al. 1993 with a liking for like positions (as Dyer et al. 2013) and for words of one origin, of
which medical Spanish and English have many. A span goes to the closest group of English words that come from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icdcoder.corpora._codiesp.parallel import folded, pairs

_WORD = re.compile(r"[^\W_]+")
_ROUNDS = 8
_DIAGONAL = 4.0
# A word belongs to a span where more than this of its translation comes from it; so many words may stand between.
_FROM_SPAN = 0.4
_BETWEEN = 1
_KEPT_PRIOR = 0.02


@dataclass(frozen=True, slots=True)
class _Sentence:
    """Word numbers and offsets of a pair of sentences; the source has one word more, that of no counterpart."""

    document: int
    source: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    source_spans: npt.NDArray[np.int64]
    target_spans: npt.NDArray[np.int64]


def project(
    texts: Sequence[tuple[str, str]], spans: Sequence[Sequence[tuple[int, int]]], learn: int | None = None
) -> list[list[tuple[int, int] | None]]:
    """Where each span of each text is in its translation; None where nothing in it corresponds.

    texts: (text, translation). learn: translations are learnt from the first so many texts only (None: from all).
    """
    words = ({"": 0}, {})
    sentences = [s for number, pair in enumerate(texts) for s in _paired(number, *pair, words)]
    table = _Table(sentences, words)
    table.learn([s for s in sentences if learn is None or s.document < learn])
    of: dict[int, list[tuple[_Sentence, npt.NDArray[np.float64]]]] = {}
    for sentence in sentences:
        of.setdefault(sentence.document, []).append((sentence, table.links(sentence)))
    return [[_carried(of.get(number, []), *span) for span in own] for number, own in enumerate(spans)]


def _paired(number: int, source: str, target: str, words: tuple[dict[str, int], dict[str, int]]) -> list[_Sentence]:
    found = []
    for pair in pairs(source, target):
        sides = []
        for text, (start, end), known in ((source, pair.source, words[0]), (target, pair.target, words[1])):
            matches = list(_WORD.finditer(text, start, end))
            ids = [known.setdefault(folded(m[0]) or m[0], len(known)) for m in matches]
            sides.append((np.array(ids, np.int64), np.array([m.span() for m in matches], np.int64).reshape(-1, 2)))
        (ids, where), (others, places) = sides
        if len(ids) and len(others):
            found.append(_Sentence(number, np.append(ids, 0), others, where, places))
    return found


class _Table:
    """Probabilities of a target word given a source word, for the pairs of words that meet in some sentence."""

    def __init__(self, sentences: Sequence[_Sentence], words: tuple[dict[str, int], dict[str, int]]) -> None:
        self.width = len(words[1])
        met = [self._cells(s) for s in sentences]
        self.cells = np.unique(np.concatenate(met)) if met else np.zeros(0, np.int64)
        left, right = list(words[0]), list(words[1])
        source, target = (self.cells // max(1, self.width)).tolist(), (self.cells % max(1, self.width)).tolist()
        self.likely = np.array([_kinship(left[s], right[t]) for s, t in zip(source, target, strict=True)])
        self.source = np.array(source, dtype=np.int64)
        self.values = self._shares(self.likely)

    def learn(self, sentences: Sequence[_Sentence]) -> None:
        """Expectation and maximisation."""
        if not sentences:
            return
        places = [np.searchsorted(self.cells, self._cells(s)) for s in sentences]
        weights = [_diagonal(s).ravel() for s in sentences]
        for _ in range(_ROUNDS):
            counts = np.where(self.likely > 1, _KEPT_PRIOR * self.likely, 0.0) + 1e-6
            for sentence, place, weight in zip(sentences, places, weights, strict=True):
                expected = (self.values[place] * weight).reshape(-1, len(sentence.target))
                expected /= expected.sum(axis=0)
                np.add.at(counts, place, expected.ravel())
            self.values = self._shares(counts)

    def links(self, sentence: _Sentence) -> npt.NDArray[np.float64]:
        """ "source target": how far each target word comes from each source word; columns sum to 1."""
        place = np.searchsorted(self.cells, self._cells(sentence))
        linked = self.values[place].reshape(-1, len(sentence.target)) * _diagonal(sentence)
        return linked / linked.sum(axis=0)

    def _cells(self, sentence: _Sentence) -> npt.NDArray[np.int64]:
        return (sentence.source[:, None] * self.width + sentence.target).ravel()

    def _shares(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return counts / np.bincount(self.source, counts)[self.source] if len(counts) else counts


def _diagonal(sentence: _Sentence) -> npt.NDArray[np.float64]:
    source, target = len(sentence.source), len(sentence.target)
    apart = (np.arange(source)[:, None] + 0.5) / source - (np.arange(target) + 0.5) / target
    return np.exp(-_DIAGONAL * np.abs(apart))


def _kinship(one: str, other: str) -> float:
    """How much likelier than other pairs of words these are to be translations, by their beginnings."""
    if one == other:
        return 8.0
    shared = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        shared += 1
    if shared >= 5 or (shared == 4 and min(len(one), len(other)) <= 6):
        return 4.0
    return 1.5 if shared == 3 and len(one) > 3 else 1.0


def _carried(
    sentences: Sequence[tuple[_Sentence, npt.NDArray[np.float64]]], start: int, end: int
) -> tuple[int, int] | None:
    for sentence, links in sentences:
        inside = (sentence.source_spans[:, 0] < end) & (sentence.source_spans[:, 1] > start)
        if not inside.any():
            continue
        shares = links[:-1][inside].sum(axis=0)
        chosen = np.flatnonzero(shares > _FROM_SPAN)
        if not len(chosen):
            return None
        groups = np.split(chosen, np.flatnonzero(np.diff(chosen) > _BETWEEN + 1) + 1)
        best = max(groups, key=lambda group: float(shares[group].sum()))
        return int(sentence.target_spans[best[0], 0]), int(sentence.target_spans[best[-1], 1])
    return None
