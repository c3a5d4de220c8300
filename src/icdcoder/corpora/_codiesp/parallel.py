"""Which sentences of a text and of its translation belong together, by dynamic programming over both.

After Gale and Church 1993, with shared beginnings of words and shared numbers beside lengths (Simard et al. 1992):
one to three sentences on either side make a pair, and a sentence may have no counterpart.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-ZÁÉÍÓÚÑ¿])|\n+")
_WORD = re.compile(r"[a-z0-9]{2,}")
# (sentences of the text, of the translation) → what such a pair costs.
_MOVES = {(1, 1): 0.0, (1, 0): 0.25, (0, 1): 0.25, (1, 2): 0.2, (2, 1): 0.2, (1, 3): 0.4, (3, 1): 0.4}
_SHARED = 1.5
_LENGTH = 0.6
_STEM = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """[start, end) in the text and in its translation."""

    source: tuple[int, int]
    target: tuple[int, int]


def folded(text: str) -> str:
    """Small letters without accents; of the same length where the text has no composed letters beyond Latin."""
    return unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()


def pairs(source: str, target: str) -> list[Pair]:
    """In order; what has no counterpart is left out."""
    here, there = _sentences(source), _sentences(target)
    found = []
    for (i, j), (a, b) in _path(_Side(source, here), _Side(target, there)):
        if a and b:
            found.append(Pair((here[i][0], here[i + a - 1][1]), (there[j][0], there[j + b - 1][1])))
    return found


def _sentences(text: str) -> list[tuple[int, int]]:
    bounds = [0, *(at for match in _SENTENCE_END.finditer(text) for at in match.span()), len(text)]
    spans = zip(bounds[::2], bounds[1::2], strict=True)
    return [(start, end) for start, end in spans if text[start:end].strip()]


class _Side:
    """Stems and lengths of the sentences of one text."""

    def __init__(self, text: str, sentences: list[tuple[int, int]]) -> None:
        self.stems = [{word[:_STEM] for word in _WORD.findall(folded(text[a:b]))} for a, b in sentences]
        whole = max(1, sum(b - a for a, b in sentences))
        self.lengths = [(b - a) / whole for a, b in sentences]

    def group(self, first: int, count: int) -> tuple[set[str], float]:
        return set().union(*self.stems[first : first + count]), sum(self.lengths[first : first + count])


def _path(here: _Side, there: _Side) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """[(first sentences, move)] of the best way through both texts."""
    rows, columns = len(here.stems), len(there.stems)
    best = {(0, 0): 0.0}
    back: dict[tuple[int, int], tuple[int, int]] = {}
    for i in range(rows + 1):
        for j in range(columns + 1):
            for (a, b), cost in _MOVES.items():
                if i + a > rows or j + b > columns:
                    continue
                gain = best[i, j] - cost
                if a and b:
                    gain += _likeness(here.group(i, a), there.group(j, b)) * max(a, b) ** 0.5
                if gain > best.get((i + a, j + b), -1e9):
                    best[i + a, j + b] = gain
                    back[i + a, j + b] = (a, b)
    path, at = [], (rows, columns)
    while at != (0, 0):
        move = back[at]
        at = (at[0] - move[0], at[1] - move[1])
        path.append((at, move))
    return path[::-1]


def _likeness(one: tuple[set[str], float], other: tuple[set[str], float]) -> float:
    stems, others = one[0], other[0]
    if not stems or not others:
        return 0.0
    apart = abs(one[1] - other[1]) / (one[1] + other[1] + 1e-9)
    return _SHARED * len(stems & others) / min(len(stems), len(others)) + _LENGTH * (1 - apart)
