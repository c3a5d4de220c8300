"""Evidence from attention: the few stretches of a note on which most of a code's attention lies.

Attention is spread over every token, most of it as a thin film. A token is a peak where it stands out from that
film; a span grows from the highest peak to neighbours that still carry weight, and its score is the share of the
code's attention that lies on it. Where nothing stands out there is no evidence, and that is the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError
from icdcoder.core.note import Note
from icdcoder.core.prediction import AttendingPredictor, Evidence, Predictor

METHOD = "attention"
# A peak carries more than so many times its even share (or half of everything, in a note of a few tokens).
STANDS_OUT = 3.0
# A span grows over a token of more than its even share and of this part of its peak, across one token at most.
NEIGHBOUR = 0.2
REACH = 2
# Longer spans are not read.
LONGEST = 12


def explain(
    predictor: Predictor, note: Note, codes: Sequence[Code], *, spans: int = 3, share: float = 0.2
) -> dict[Code, tuple[Evidence, ...]]:
    """At most `spans` spans of `note.text` for each code, by falling attention; every code has an entry, perhaps empty.

    share: a further span begins only at a peak of this part of the code's highest weight. Evidence.score is the
    attention on the span, in [0, 1]. Raises ConfigError where the predictor does not attend.
    """
    if not isinstance(predictor, AttendingPredictor):
        raise ConfigError(f"The coder {predictor.name.name!r} has no attention to explain with; choose 'occlusion'.")
    weights, offsets = predictor.attention(note, codes)
    return {code: _evidence(row, offsets, note, spans, share) for code, row in zip(codes, weights, strict=True)}


def _evidence(
    weights: npt.NDArray[np.float32], offsets: npt.NDArray[np.int64], note: Note, spans: int, share: float
) -> tuple[Evidence, ...]:
    found = []
    for first, last in peaks(weights, spans, share):
        start, end = int(offsets[first, 0]), int(offsets[last, 1])
        # The sum of rounded weights may pass 1 by the last digit.
        score = min(1.0, float(weights[first : last + 1].sum()))
        found.append(Evidence(start, end, note.text[start:end], METHOD, score))
    return tuple(sorted(found, key=lambda e: (-(e.score or 0.0), e.start)))


def peaks(weights: npt.NDArray[np.floating], spans: int, share: float) -> list[tuple[int, int]]:
    """(first, last) token, both included, of at most `spans` stretches that do not overlap, highest peak first."""
    if not len(weights):
        return []
    even = 1.0 / len(weights)
    # The last factor: weights that are even but for rounding do not stand out.
    film = min(STANDS_OUT * even, 0.5) * (1 + 1e-6)
    floor = share * float(weights.max())
    free = np.ones(len(weights), dtype=np.bool_)
    found: list[tuple[int, int]] = []
    while len(found) < spans:
        peak = int(np.argmax(np.where(free, weights, -1.0)))
        if not free[peak] or weights[peak] <= film or weights[peak] < floor:
            break
        first, last = _grow(weights, peak, max(even, NEIGHBOUR * float(weights[peak])), free)
        free[first : last + 1] = False
        found.append((first, last))
    return found


def _grow(weights: npt.NDArray[np.floating], peak: int, least: float, free: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Widens [peak, peak] step by step to the heavier of the next tokens that carry `least`, on either side."""
    first = last = peak
    while True:
        nearest = (_next(weights, first, -1, least, free), _next(weights, last, 1, least, free))
        steps = [i for i in nearest if i is not None and max(i, last) - min(i, first) < LONGEST]
        if not steps:
            return first, last
        step = max(steps, key=lambda i: weights[i])
        first, last = min(first, step), max(last, step)


def _next(
    weights: npt.NDArray[np.floating], at: int, direction: int, least: float, free: npt.NDArray[np.bool_]
) -> int | None:
    """The first token within REACH that carries more than `least`, short of another span and of the note's ends."""
    for step in range(1, REACH + 1):
        token = at + direction * step
        if not 0 <= token < len(weights) or not free[token]:
            return None
        if weights[token] > least:
            return token
    return None
