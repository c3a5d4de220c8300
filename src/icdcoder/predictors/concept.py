"""A coder that decides over concepts: a scorer says which concepts the note supports, a head which codes follow.

The two stages of Fatemi et al., "Concept-Enhanced Automatic ICD Coding using Large Language Models", PMLR 297 (2026).
A scorer is a member of `predictors/concept_scorers`; the second stage is a small network, or a language model that
answers for each code (`predictors/concept_heads`). It is trained on scores of notes that its scorer has not seen
(experiment/concept_training.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, model_validator

from icdcoder.core import components
from icdcoder.core.cache import write_atomic
from icdcoder.core.code import Code
from icdcoder.core.config import Settings, build
from icdcoder.core.errors import ArtefactError, ConfigError, IcdcoderError
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.note import Note
from icdcoder.core.prediction import CodePrediction, CoderName, Evidence, Prediction, Span
from icdcoder.knowledge import concept_files
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.nn.concept_head import Head, build_head
from icdcoder.predictors.asking.asker import AskingConfig
from icdcoder.predictors.concept_heads import language_model, network
from icdcoder.predictors.concept_scorers import loaded
from icdcoder.predictors.label_networks.network import NetworkConfig, load_network
from icdcoder.text import reader, samplers
from icdcoder.text.sample import Sampler, head, together

SCORERS = "predictors.concept_scorers"
CONCEPTS, SPACE = "concepts.json", "space.json"
NOTES_AT_ONCE = 64
# Settings that name files of the user.
PATHS = ("checkpoint", "concepts", "expressions", "prompt")
DEFAULT_TOP = 15
EVIDENCE_SPANS = 5
# Below this the note denies a concept, or says another thing; half of what a concept says is evidence too.
LEAST_EVIDENCE = 0.2


class Config(Settings):
    """concepts: a file (see knowledge/concept_files.py); not given: they are built, `general` a node of `levels`
    and `specific` a code, with files of `expressions` before ours, and the alphabetic index where `index` says so.

    scorer: the table of a member of predictors/concept_scorers. folds: parts of the training patients, each scored by
    a scorer fitted on the others. in_fold: train the head on scores of notes that the scorer has seen, to measure what
    that costs; never of use otherwise.

    head: a network over the code's own concepts ("linear" with own_only, "attention") or over all ("mlp", "linear"
    without); or "language_model", which is asked of each code ([model.asking], predictors/asking/asker.py). inputs of a
    network: the scores of concepts, the logits of a network that reads the note without concepts ([model.note],
    predictors/label_networks/network.py), or both. hidden: width of the mlp and of the attention. steps,
    learning_rate, decay: of the head's training.
    """

    concepts: Path | None = None
    general: int = Field(5, ge=0)
    specific: int = Field(2, ge=0)
    levels: tuple[Literal["chapter", "block", "category"], ...] = ("category",)
    index: bool = False
    expressions: tuple[Path, ...] = ()
    scorer: dict[str, Any] = {"kind": "lexical"}
    folds: int = Field(5, ge=2)
    in_fold: bool = False
    head: Literal["linear", "mlp", "attention", "language_model"] = "linear"
    inputs: Literal["concepts", "note", "both"] = "concepts"
    note: NetworkConfig = NetworkConfig()
    asking: AskingConfig = AskingConfig()
    own_only: bool = True
    hidden: int = Field(64, gt=0)
    steps: int = Field(300, gt=0)
    learning_rate: float = Field(0.05, gt=0, allow_inf_nan=False)
    decay: float = Field(0.05, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _inputs_of_a_network(self) -> Config:
        if self.head == "language_model" and self.inputs != "concepts":
            raise ValueError(
                f"inputs = {self.inputs!r} is for a network; head = 'language_model' reads the note itself."
            )
        return self


class ConceptScorer(Protocol):
    """Stage 1. A module of it has `Config`, and `fit` and `load` (predictors/concept_scorers/__init__.py); `fit` may
    look at the codes of the documents, as the head only sees scores of other notes."""

    @property
    def files(self) -> tuple[str, ...]:
        """The names that `save` writes."""
        ...

    def scores(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note concept" in [0, 1]."""
        ...

    def evidence(self, note: Note) -> Mapping[int, tuple[Evidence, ...]]:
        """Spans by the number of the concept."""
        ...

    def left_unread(self, note: Note) -> tuple[Span, ...]: ...

    def save(self, folder: Path) -> None: ...


class SecondStage(Protocol):
    """Stage 2: a network, or a language model."""

    @property
    def files(self) -> tuple[str, ...]:
        """The names that `save` writes."""
        ...

    def probabilities(
        self, scores: npt.NDArray[np.float32], notes: Sequence[Note], codes: Sequence[int] | None = None
    ) -> npt.NDArray[np.float32]:
        """See core/concept.py: `code_probabilities`."""
        ...

    def left_unread(self, scores: npt.NDArray[np.float32], note: Note) -> tuple[Span, ...]:
        """scores: of the note's concepts."""
        ...

    def save(self, folder: Path) -> None: ...


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
    def membership(self) -> npt.NDArray[np.bool_]:
        return self.concepts.membership(self.space.codes)[0]

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


def scorer_of(table: Mapping[str, Any]) -> tuple[ModuleType, Settings]:
    """The module and the settings of the table [model.scorer]. Raises ConfigError."""
    kind = table.get("kind")
    if not isinstance(kind, str):
        raise ConfigError(f"The table [model.scorer] needs a kind. Known: {', '.join(components.names(SCORERS))}.")
    module = components.load(SCORERS, kind)
    return module, build(module.Config, {k: v for k, v in table.items() if k != "kind"}, "model.scorer")


def new_head(config: Config, concepts: ConceptSet, space: LabelSpace) -> Head:
    membership, _ = concepts.membership(space.codes)
    layers = torch.tensor([concept.layer for concept in concepts])
    return build_head(
        config.head,
        torch.from_numpy(membership),
        layers,
        hidden=config.hidden,
        own_only=config.own_only,
        inputs=config.inputs,
    )


def save_stages(folder: Path, concepts: ConceptSet, scorer: ConceptScorer, second: SecondStage) -> None:
    body = [concept_files.to_json(concept) for concept in concepts]
    write_atomic(folder / CONCEPTS, json.dumps(body, ensure_ascii=False, indent=1))
    second.save(folder)
    scorer.save(folder)


def load_stages(
    folder: Path, config: Config, space: LabelSpace, sampler: Sampler
) -> tuple[ConceptSet, ConceptScorer, SecondStage]:
    """What `save_stages` wrote. Raises ArtefactError where it does not fit the settings."""
    try:
        concepts = concept_files.trusted(json.loads((folder / CONCEPTS).read_text(encoding="utf-8")))
        module, settings = scorer_of(config.scorer)
        second = _load_second(folder, config, concepts, space, sampler)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        if isinstance(error, IcdcoderError):
            raise
        raise ArtefactError(f"The concepts and the head in {folder} do not fit its settings.") from None
    return concepts, loaded(module, folder, settings, concepts, sampler), second


def _load_second(
    folder: Path, config: Config, concepts: ConceptSet, space: LabelSpace, sampler: Sampler
) -> SecondStage:
    from safetensors.torch import load_file

    if config.head == "language_model":
        return language_model.load(folder, config.asking, language_model.questionnaire(concepts, space), sampler)
    layer = new_head(config, concepts, space)
    layer.load_state_dict(load_file(folder / network.HEAD))
    own = None if config.inputs == "concepts" else load_network(folder, network.OWN, config.note, len(space), sampler)
    return network.NetworkStage(layer.eval(), own)


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
