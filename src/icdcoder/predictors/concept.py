"""A coder that decides over concepts: a scorer says which concepts the note supports, a head which codes follow.

The two stages (predictors/concept_stages.py) of Fatemi et al., "Concept-Enhanced Automatic ICD Coding using Large
Language Models", PMLR 297 (2026). The second is trained on scores of notes that the first has not seen
(experiment/concept_training.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.config import build
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.note import Note
from icdcoder.core.prediction import CodePrediction, CoderName, Evidence, Prediction
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.predictors.concept_stages import (
    CONCEPTS,
    ConceptScorer,
    Config,
    SecondStage,
    load_stages,
    save_stages,
)
from icdcoder.text import reader, samplers
from icdcoder.text.sample import Sampler, head, together

__all__ = ["ConceptPredictor", "Config", "load", "portable"]

SPACE = "space.json"
NOTES_AT_ONCE = 64
# Settings that name files of the user.
PATHS = ("checkpoint", "concepts", "expressions", "prompt")
DEFAULT_TOP = 15
EVIDENCE_SPANS = 5
# Below this the note denies a concept, or says another thing; half of what a concept says is evidence too.
LEAST_EVIDENCE = 0.2


@dataclass(frozen=True)
class ConceptPredictor:
    """See core/concept.py: a `ConceptCoder`. sampler: what its stages were given, for `save`."""

    name: CoderName
    concepts: ConceptSet
    scorer: ConceptScorer
    second: SecondStage
    space: LabelSpace
    threshold: float
    descriptions: Mapping[Code, str]
    edition: str
    sampler: Sampler = head

    @cached_property
    def concept_names(self) -> tuple[str, ...]:
        return tuple(concept.name for concept in self.concepts)

    @cached_property
    def concept_layers(self) -> tuple[int, ...]:
        return tuple(concept.layer for concept in self.concepts)

    @cached_property
    def _bearing(self) -> tuple[npt.NDArray[np.bool_], Mapping[Code, Code | None]]:
        return self.concepts.membership(self.space.codes)

    @property
    def membership(self) -> npt.NDArray[np.bool_]:
        return self._bearing[0]

    @property
    def concepts_from(self) -> Mapping[Code, Code | None]:
        return self._bearing[1]

    def concept_index(self, name: str) -> int:
        return self.concepts.index(name)

    def concept_scores(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        return self.scorer.scores(notes)

    def concept_evidence(self, note: Note) -> Mapping[int, tuple[Evidence, ...]]:
        return self.scorer.evidence(note)

    def code_probabilities(
        self, scores: npt.NDArray[np.float32], notes: Sequence[Note], codes: Sequence[int] | None = None
    ) -> npt.NDArray[np.float32]:
        return self.second.probabilities(scores, notes, codes)

    def probabilities(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note code"."""
        return self.code_probabilities(self.concept_scores(notes), notes)

    def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
        """Evidence is where the note speaks of the concepts of a code; `explain/concepts.py` says more."""
        for start in range(0, len(notes), NOTES_AT_ONCE):
            part = notes[start : start + NOTES_AT_ONCE]
            scores = self.concept_scores(part)
            for note, own, row in zip(part, scores, self.code_probabilities(scores, part), strict=True):
                yield self._prediction(note, own, row, DEFAULT_TOP if top is None else top)

    def _prediction(
        self, note: Note, scores: npt.NDArray[np.float32], row: npt.NDArray[np.float32], top: int
    ) -> Prediction:
        readable = bool(note.text.strip())
        codes: list[CodePrediction] = []
        spans = self.concept_evidence(note) if readable else {}
        for rank, index in enumerate(np.argsort(-row, kind="stable") if readable else ()):
            accepted = bool(row[index] > self.threshold)
            if not accepted and rank >= top:
                break
            code = self.space.codes[index]
            evidence = self._evidence(index, scores, spans) if accepted else ()
            codes.append(CodePrediction(code, self.descriptions.get(code, ""), float(row[index]), accepted, evidence))
        return Prediction(
            note_id=note.id,
            coder=self.name,
            system="+".join(self.space.systems),
            edition=self.edition,
            codes=tuple(codes),
            left_unread=together(self.scorer.left_unread(note), self.second.left_unread(scores, note)),
            warnings=() if readable else ("The note is empty.",),
        )

    def _evidence(
        self, code: int, scores: npt.NDArray[np.float32], spans: Mapping[int, tuple[Evidence, ...]]
    ) -> tuple[Evidence, ...]:
        own = np.flatnonzero(self.membership[code])
        supporting = [i for i in own[np.argsort(-scores[own], kind="stable")] if scores[i] >= LEAST_EVIDENCE]
        found = {(e.start, e.end): e for i in supporting for e in spans.get(int(i), ())}
        return tuple(found.values())[:EVIDENCE_SPANS]

    def save(self, folder: Path) -> tuple[str, ...]:
        """Writes into an existing folder all that `load` needs beside the card, and returns the names."""
        save_stages(folder, self.concepts, self.scorer, self.second)
        self.space.save(folder / SPACE)
        self.sampler.save(folder)
        return (CONCEPTS, SPACE, *self.second.files, *self.scorer.files, *self.sampler.files)


def portable(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table [model] as a coder's card holds it: without the files that the folder holds itself."""
    kept = {}
    for key, value in table.items():
        if key in PATHS and not (key == "checkpoint" and table.get("whole") is False):
            continue
        kept[key] = portable(value) if isinstance(value, Mapping) else value
    return kept


def load(folder: Path, card: dict[str, Any]) -> ConceptPredictor:
    """Builds the predictor of a coder folder whose card has been read and whose files have been verified."""
    space = LabelSpace.load(folder / SPACE)
    config = build(Config, {key: value for key, value in card["model"].items() if key != "kind"}, "model")
    sampler = samplers.load(folder, reader.resolve(card.get("text", {}))[0])
    concepts, scorer, second = load_stages(folder, config, space, sampler)
    return ConceptPredictor(
        name=CoderName(card["name"], card["version"]),
        concepts=concepts,
        scorer=scorer,
        second=second,
        space=space,
        threshold=card["threshold"]["value"],
        descriptions={Code.parse(code): text for code, text in card["descriptions"].items()},
        edition=card["edition"],
        sampler=sampler,
    )
