"""The dictionary's candidates and those that a corpus suggests, ranked by trees that were fitted on coded notes.

Where the dictionary coder judges by fixed weights, this one has learnt from a corpus how far to trust which source of
a candidate. Needs numpy only, also for fitting (`icdcoder fit-ranker`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from icdcoder.core.code import Code
from icdcoder.core.config import Settings, build
from icdcoder.core.errors import ArtefactError
from icdcoder.core.note import Note
from icdcoder.core.prediction import CodePrediction, CoderName, Evidence, Prediction
from icdcoder.predictors import lexicon
from icdcoder.predictors.dictionary.editions import Edition
from icdcoder.predictors.ranking.consistent import consistent
from icdcoder.predictors.ranking.ranker import Ranker
from icdcoder.predictors.ranking.reading import read

ARRAYS, TABLES = "ranker.npz", "ranker.json"
FILES = (ARRAYS, TABLES)
SHIPPED = Path(str(files("icdcoder.predictors.ranking"))) / "shipped"
"""The coder folder that comes with icdcoder: fitted on CodiEsp (CC BY 4.0) without its habits; see its card."""
DEFAULT_TOP = 20
EVIDENCE_SPANS = 5
# Less likely candidates are listed only where the caller asks for a number of them.
FLOOR = 0.01


class Config(Settings):
    """habits: learn what is this corpus's own too: its wordings, similar notes, how often codes are given.

    gold_edition: of the corpus's codes, where the dictionary's are of another: a candidate is right where the code that
    stood for it then is gold. dictionary: settings of the dictionary coder whose candidates are ranked.
    """

    habits: bool = True
    gold_edition: Edition = "current"
    dictionary: lexicon.Config = lexicon.Config()


@dataclass(frozen=True)
class Ranked:
    """One candidate: spans are [start, end) into the note, the best evidence first."""

    code: Code
    probability: float
    spans: list[tuple[int, int]]


@dataclass(frozen=True)
class RankedPredictor:
    """threshold: probability above which a code is accepted."""

    name: CoderName
    dictionary: lexicon.LexiconPredictor
    ranker: Ranker
    threshold: float

    def ranked(self, note: Note) -> list[Ranked]:
        """All candidates, the likeliest first."""
        rows, probabilities = self.ranker.rank(read(note, self.dictionary))
        order = np.argsort(-probabilities, kind="stable")
        return [Ranked(rows.codes[i], float(probabilities[i]), rows.spans[i]) for i in order.tolist()]

    def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
        """Predictions with evidence, in order; see Predictor."""
        for note in notes:
            yield self._prediction(note, top)

    def _prediction(self, note: Note, top: int | None) -> Prediction:
        system, edition = self.dictionary.system, self.dictionary.edition
        if not note.text.strip():
            return Prediction(note.id, self.name, system, edition, (), warnings=("The note is empty.",))
        most, floor = (DEFAULT_TOP, FLOOR) if top is None else (top, 0.0)
        codes = []
        for rank, one in enumerate(self._consistent(self.ranked(note))):
            accepted = one.probability > self.threshold
            if not accepted and (rank >= most or one.probability < floor):
                break
            codes.append(
                CodePrediction(
                    one.code, self.description(one.code), round(one.probability, 4), accepted, evidence(note, one.spans)
                )
            )
        return Prediction(note.id, self.name, system, edition, tuple(codes))

    def _consistent(self, ranked: list[Ranked]) -> list[Ranked]:
        """The same, after what the accepted codes say of each other; not where a corpus's habits decide that."""
        if self.ranker.habits is not None:
            return ranked
        found = {one.code: one.probability for one in ranked}
        probabilities = consistent(found, self.threshold, self.dictionary.descriptions)
        changed = [replace(one, probability=probabilities[one.code]) for one in ranked]
        return sorted(changed, key=lambda one: -one.probability)

    def description(self, code: Code) -> str:
        """ "" for a code of another edition."""
        system = self.dictionary.systems.get(code.system)
        return system.description(code) if system is not None and code in system else ""


def evidence(note: Note, spans: Sequence[tuple[int, int]]) -> tuple[Evidence, ...]:
    kept = sorted(spans[:EVIDENCE_SPANS])
    return tuple(Evidence(start, end, note.text[start:end], "ranked") for start, end in kept)


def save(folder: Path, ranker: Ranker) -> None:
    """Writes FILES into an existing folder."""
    np.savez_compressed(folder / ARRAYS, allow_pickle=False, **ranker.arrays())
    (folder / TABLES).write_text(json.dumps(ranker.card(), ensure_ascii=False), encoding="utf-8")


def load(folder: Path, card: dict[str, Any]) -> RankedPredictor:
    """Builds the predictor of a coder folder whose card has been read and whose files have been verified."""
    try:
        with np.load(folder / ARRAYS, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        ranker = Ranker.of(arrays, json.loads((folder / TABLES).read_text(encoding="utf-8")))
        settings, threshold = card["ranked"], float(card["threshold"]["value"])
    except (KeyError, ValueError, TypeError):
        raise ArtefactError(f"{folder} is not a coder that this version of `icdcoder fit-ranker` wrote.") from None
    config = build(Config, settings, "ranked")
    return RankedPredictor(
        CoderName(card["name"], card["version"]), lexicon.build(config.dictionary), ranker, threshold
    )
