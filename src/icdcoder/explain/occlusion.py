"""Evidence from occlusion: the stretches of a note without which a code's probability falls most.

Needs nothing of the model but its probabilities (Zeiler and Fergus 2014 do it to images, Li et al. 2016 to words).
The note is scored once for each window, with the window's characters replaced by spaces; that is slow, so the number
of windows is bounded and a long note gets wide ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError
from icdcoder.core.note import Note
from icdcoder.core.prediction import Evidence, Predictor, ScoringPredictor

METHOD = "occlusion"
# Words of a window where the note is short enough for it.
WORDS = 6
# Fall of the probability below which a window is no evidence, absolute and as a part of the probability.
LEAST = 0.01
LEAST_PART = 0.05
# Notes that are scored together: each is a copy of the whole text.
TOGETHER = 32


def explain(
    predictor: Predictor, note: Note, codes: Sequence[Code], *, spans: int = 3, windows: int = 128
) -> dict[Code, tuple[Evidence, ...]]:
    """At most `spans` windows of `note.text` for each code, by falling effect; every code has an entry, perhaps empty.

    windows: how many are tried at most. Evidence.score is the fall of the probability, in (0, 1]. Raises ConfigError
    where the predictor gives no probabilities, InputError for a code outside its space.
    """
    if not isinstance(predictor, ScoringPredictor):
        raise ConfigError(f"The coder {predictor.name.name!r} gives no probabilities, so nothing can be occluded.")
    columns = [predictor.space.index(code) for code in codes]
    places = _windows(note.text, windows)
    if not places or not columns:
        return dict.fromkeys(codes, ())
    whole = predictor.probabilities([note])[0, columns]
    falls = whole - _without(predictor, note, places)[:, columns]
    return {code: _evidence(falls[:, i], float(whole[i]), places, note, spans) for i, code in enumerate(codes)}


def _windows(text: str, most: int) -> list[tuple[int, int]]:
    """[start, end) of at most `most` neighbouring windows of whole words, all of the same number but the last."""
    words = [match.span() for match in re.finditer(r"\S+", text)]
    size = max(WORDS, -(-len(words) // max(1, most)))
    return [(words[i][0], words[min(i + size, len(words)) - 1][1]) for i in range(0, len(words), size)]


def _without(predictor: ScoringPredictor, note: Note, places: Sequence[tuple[int, int]]) -> npt.NDArray[np.float32]:
    """Matrix "window code": probabilities of the note with each window blank."""
    rows = []
    for start in range(0, len(places), TOGETHER):
        blanked = [
            Note(note.id, note.text[:first] + " " * (last - first) + note.text[last:])
            for first, last in places[start : start + TOGETHER]
        ]
        rows.append(predictor.probabilities(blanked))
    return np.concatenate(rows)


def _evidence(
    falls: npt.NDArray[np.float32], whole: float, places: Sequence[tuple[int, int]], note: Note, spans: int
) -> tuple[Evidence, ...]:
    found = []
    for i in np.argsort(-falls, kind="stable")[:spans]:
        if falls[i] < max(LEAST, LEAST_PART * whole):
            break
        start, end = places[i]
        found.append(Evidence(start, end, note.text[start:end], METHOD, float(falls[i])))
    return tuple(found)
