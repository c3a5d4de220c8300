"""Only concepts under active parents are scored, so that thousands of codes can be had from a scorer that is asked
concept by concept.

Parents are chapters, blocks or categories, of which there are far fewer than codes. How active each is, a cheap gate
says: "words", by the words of the concepts below it (`lexical`, which looks at no code and reads all concepts at once);
or "network", label attention whose labels are the parents (predictors/label_networks/network.py), which has to learn
them. The most active parents are kept. A concept is scored, by the scorer that is named, where one of its codes stands
under one of these; every other has score 0. What that leaves out is a loss, to be measured: see docs/concepts.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field

from icdcoder.core import components
from icdcoder.core.config import Settings, build
from icdcoder.core.document import Document
from icdcoder.core.errors import ConfigError
from icdcoder.core.note import Note
from icdcoder.core.prediction import Evidence, Span
from icdcoder.knowledge import hierarchy
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.nn.asking.fine_tuning import UNWATCHED, Course
from icdcoder.predictors.concept_scorers import fitted, lexical, loaded
from icdcoder.predictors.concept_scorers.lexical import LexicalScorer
from icdcoder.predictors.label_networks.network import LabelNetwork, NetworkConfig, fit_network, load_network
from icdcoder.text.sample import Sampler, head, together

FOLDER = "predictors.concept_scorers"
AMONG_EQUALS = np.float32(1e-3)
FILES = ("parent_network.safetensors", "parent_vocabulary.txt")


class Config(Settings):
    """scorer: the table of the scorer of concepts. gate: see above. level: of the parents. most: active parents of a
    note. least: how active a parent must be: the probability of the network, or what the note says of the concepts
    below it. network: settings of that gate."""

    scorer: dict[str, Any] = {"kind": "lexical"}
    gate: Literal["words", "network"] = "words"
    level: Literal["chapter", "block", "category"] = "block"
    most: int = Field(default=25, ge=1)
    least: float = Field(default=0.01, ge=0)
    network: NetworkConfig = NetworkConfig()


class Gate(Protocol):
    """How active each parent of a note is."""

    @property
    def files(self) -> tuple[str, ...]: ...

    def activity(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note parent", 0 or more."""
        ...

    def left_unread(self, note: Note) -> tuple[Span, ...]: ...

    def save(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class NetworkGate:
    network: LabelNetwork

    files = FILES

    def activity(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        return self.network.scores(notes)

    def left_unread(self, note: Note) -> tuple[Span, ...]:
        return self.network.left_unread(note)

    def save(self, folder: Path) -> None:
        self.network.save(folder, FILES)


@dataclass(frozen=True)
class WordsGate:
    """A parent is as active as the concept below it that the note affirms most; of equals, that with more."""

    words: LexicalScorer
    below: npt.NDArray[np.bool_]

    @property
    def files(self) -> tuple[str, ...]:
        return self.words.files

    def activity(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        scores = self.words.scores(notes)
        most = [np.where(self.below, row, np.float32(0)).max(1, initial=0) for row in scores]
        return np.stack(most) + AMONG_EQUALS * (scores @ self.below.T.astype(np.float32))

    def left_unread(self, note: Note) -> tuple[Span, ...]:
        return self.words.left_unread(note)

    def save(self, folder: Path) -> None:
        self.words.save(folder)


class SelectiveScorer(Protocol):
    """A scorer of concepts (predictors/concept_stages.py) that can be asked for some of them."""

    @property
    def files(self) -> tuple[str, ...]: ...

    def scores_of(self, note: Note, asked: Sequence[int]) -> npt.NDArray[np.float32]:
        """One a concept that is asked for."""
        ...

    def evidence(self, note: Note) -> Mapping[int, tuple[Evidence, ...]]: ...

    def left_unread(self, note: Note) -> tuple[Span, ...]: ...

    def save(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class HierarchicalScorer:
    """below: matrix "parent concept": which concepts stand under which parent."""

    concepts: ConceptSet
    scorer: SelectiveScorer
    gate: Gate
    below: npt.NDArray[np.bool_]
    most: int
    least: float

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.gate.files, *self.scorer.files)))

    def active(self, notes: Sequence[Note]) -> list[npt.NDArray[np.int64]]:
        """For each note, the concepts that are scored."""
        activity = self.gate.activity(notes)
        kept = np.argsort(-activity, axis=1, kind="stable")[:, : self.most]
        return [
            np.flatnonzero(self.below[own[row[own] >= self.least]].any(0))
            for own, row in zip(kept, activity, strict=True)
        ]

    def scores(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note concept" in [0, 1]; 0 where a concept was not scored."""
        found = np.zeros((len(notes), len(self.concepts)), dtype=np.float32)
        for row, (note, asked) in enumerate(zip(notes, self.active(notes), strict=True)):
            if len(asked):
                found[row, asked] = self.scorer.scores_of(note, asked.tolist())
        return found

    def evidence(self, note: Note) -> dict[int, tuple[Evidence, ...]]:
        asked = set(self.active([note])[0].tolist())
        return {concept: spans for concept, spans in self.scorer.evidence(note).items() if concept in asked}

    def left_unread(self, note: Note) -> tuple[Span, ...]:
        return together(self.gate.left_unread(note), self.scorer.left_unread(note))

    def save(self, folder: Path) -> None:
        self.gate.save(folder)
        self.scorer.save(folder)


def fit(
    config: Config,
    concepts: ConceptSet,
    documents: Sequence[Document],
    seed: int,
    course: Course = UNWATCHED,
    sampler: Sampler = head,
) -> HierarchicalScorer:
    """Raises ConfigError where the scorer within is none, or is hierarchical itself."""
    module, settings = _inner(config)
    count, of_code, below = _parents(concepts, config.level)
    gate: Gate
    if config.gate == "words":
        gate = WordsGate(lexical.fit(lexical.Config(), concepts, documents, seed), below)
    else:
        targets = np.zeros((len(documents), count), dtype=np.float32)
        for row, document in enumerate(documents):
            targets[row, [of_code[str(code)] for code in document.codes if str(code) in of_code]] = 1.0
        notes = [document.joined() for document in documents]
        gate = NetworkGate(fit_network(config.network, notes, targets, seed, sampler))
    scorer = fitted(module, settings, concepts, documents, seed, course, sampler)
    return HierarchicalScorer(concepts, scorer, gate, below, config.most, config.least)


def load(folder: Path, config: Config, concepts: ConceptSet, sampler: Sampler = head) -> HierarchicalScorer:
    """Raises ArtefactError where the files do not fit the settings."""
    module, settings = _inner(config)
    count, _, below = _parents(concepts, config.level)
    gate: Gate
    if config.gate == "words":
        gate = WordsGate(lexical.load(folder, lexical.Config(), concepts), below)
    else:
        gate = NetworkGate(load_network(folder, FILES, config.network, count, sampler))
    scorer = loaded(module, folder, settings, concepts, sampler)
    return HierarchicalScorer(concepts, scorer, gate, below, config.most, config.least)


def _inner(config: Config) -> tuple[Any, Settings]:
    table = dict(config.scorer)
    kind = str(table.pop("kind", ""))
    module = components.load(FOLDER, kind)
    if kind == "hierarchical":
        raise ConfigError("A hierarchical scorer needs another scorer within: set model.scorer.scorer.kind.")
    return module, build(module.Config, table, "model.scorer.scorer")


def _parents(concepts: ConceptSet, level: str) -> tuple[int, dict[str, int], npt.NDArray[np.bool_]]:
    """(how many, {code: its parent}, "parent concept")."""
    codes = list(dict.fromkeys(code for concept in concepts for code in concept.codes))
    above = hierarchy.ancestor_of_codes(hierarchy.chain(codes), level)
    of_code = {str(code): int(parent) for code, parent in zip(codes, above, strict=True)}
    count = int(above.max(initial=-1)) + 1
    below = np.zeros((count, len(concepts)), dtype=np.bool_)
    for i, concept in enumerate(concepts):
        below[[of_code[str(code)] for code in concept.codes], i] = True
    return count, of_code, below
