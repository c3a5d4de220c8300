"""The two stages of a coder over concepts: their settings, what each has to do, and how they are saved and loaded.

A scorer is a member of `predictors/concept_scorers`; the second stage is a small network, or a language model that
answers for each code (`predictors/concept_heads`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, model_validator

from icdcoder.core import components
from icdcoder.core.cache import write_atomic
from icdcoder.core.config import Settings, build
from icdcoder.core.errors import ArtefactError, ConfigError, IcdcoderError
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.note import Note
from icdcoder.core.prediction import Evidence, Span
from icdcoder.knowledge import concept_files
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.nn.concept_head import Head, build_head
from icdcoder.predictors.asking.asker import AskingConfig
from icdcoder.predictors.concept_heads import language_model, network
from icdcoder.predictors.concept_scorers import loaded
from icdcoder.predictors.label_networks.network import NetworkConfig, load_network
from icdcoder.text.sample import Sampler

SCORERS = "predictors.concept_scorers"
CONCEPTS = "concepts.json"


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
