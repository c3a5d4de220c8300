"""A ranked dictionary and a trained coder together: they fail differently, so that both know more than either.

The dictionary knows every code and finds rare ones by their words; the trained coder knows what its corpus usually
codes and needs no wording. One logistic regression weighs their log-odds; `icdcoder combine` fits it on validation
notes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.config import Settings
from icdcoder.core.errors import ArtefactError
from icdcoder.core.note import Note
from icdcoder.core.prediction import CodePrediction, CoderName, Prediction, ScoringPredictor
from icdcoder.predictors import ranked as ranking_coder
from icdcoder.predictors.ranked import DEFAULT_TOP, FLOOR, Ranked, RankedPredictor, evidence
from icdcoder.predictors.ranking.stack import Stack

NOTES_AT_ONCE = 16
# Codes of the trained coder that are weighed beside the ranked candidates of a note.
TRAINED_CANDIDATES = 50


class Config(Settings):
    """Settings of the ranker; the trained coder brings its own."""

    ranked: ranking_coder.Config = ranking_coder.Config()


@dataclass(frozen=True)
class CombinedPredictor:
    """threshold: probability above which a code is accepted."""

    name: CoderName
    ranked: RankedPredictor
    trained: ScoringPredictor
    stack: Stack
    threshold: float

    def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
        """Predictions in order; evidence where the dictionary or a learnt wording has it. See Predictor."""
        for start in range(0, len(notes), NOTES_AT_ONCE):
            part = notes[start : start + NOTES_AT_ONCE]
            for note, row in zip(part, self.trained.probabilities(part), strict=True):
                yield self._prediction(note, row.astype(np.float64), top)

    def _prediction(self, note: Note, row: np.ndarray, top: int | None) -> Prediction:
        system, edition = self.ranked.dictionary.system, self.ranked.dictionary.edition
        if not note.text.strip():
            return Prediction(note.id, self.name, system, edition, (), warnings=("The note is empty.",))
        candidates = self.ranked.ranked(note)
        spans = {one.code: one.spans for one in candidates}
        codes, ours, theirs = both(candidates, row, self.trained)
        probabilities = self.stack.probabilities(ours, theirs)
        most, floor = (DEFAULT_TOP, FLOOR) if top is None else (top, 0.0)
        listed = []
        for rank, i in enumerate(np.argsort(-probabilities, kind="stable").tolist()):
            accepted = bool(probabilities[i] > self.threshold)
            if not accepted and (rank >= most or probabilities[i] < floor):
                break
            code = codes[i]
            found = evidence(note, spans.get(code, ()))
            score = round(float(probabilities[i]), 4)
            listed.append(CodePrediction(code, self.ranked.description(code), score, accepted, found))
        return Prediction(note.id, self.name, system, edition, tuple(listed))


def both(
    candidates: Sequence[Ranked], row: np.ndarray, trained: ScoringPredictor
) -> tuple[list[Code], np.ndarray, np.ndarray]:
    """(codes, the ranker's probability, the trained coder's) of a note; NaN where one has no word on the code.

    row: the trained coder's probabilities, "code" of its label space.
    """
    space = trained.space
    ours = {one.code: one.probability for one in candidates}
    best = np.argsort(-row, kind="stable")[:TRAINED_CANDIDATES]
    codes = sorted({*ours, *(space.codes[i] for i in best.tolist())})
    theirs = [float(row[space.index(code)]) if code in space else np.nan for code in codes]
    return codes, np.array([ours.get(code, np.nan) for code in codes]), np.array(theirs)


def load(folder: Path, card: dict[str, Any]) -> CombinedPredictor:
    """Builds the predictor of a coder folder whose card has been read and whose files have been verified."""
    try:
        weights, parts = tuple(card["stack"]), card["parts"]
        own, other = parts["ranked"], parts["trained"]
        threshold = float(card["threshold"]["value"])
    except (KeyError, TypeError, ValueError):
        raise ArtefactError(f"{folder} is not a coder that `icdcoder combine` wrote.") from None
    trained = components.load("predictors", other["predictor"]).load(folder, other)
    name = CoderName(card["name"], card["version"])
    return CombinedPredictor(name, ranking_coder.load(folder, own), trained, Stack(weights), threshold)
