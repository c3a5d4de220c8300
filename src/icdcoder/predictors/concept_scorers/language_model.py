"""Concepts by a language model that is asked of each: does the note support it? The score is the probability of "yes".

Stage 1 of Fatemi et al. (PMLR 297, 2026), with what an honest version needs: the softmax of the two answers' first
tokens in place of generated text, and one reading of the note for all its concepts (nn/asking/shared_prefix.py).
Fine-tuned with low-rank adapters on sampled concepts of each training note; the answer is never part of a prompt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from icdcoder.core.config import Settings
from icdcoder.core.document import Document
from icdcoder.core.note import Note
from icdcoder.core.prediction import Evidence, Span
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.nn.asking.fine_tuning import UNWATCHED, Course
from icdcoder.predictors.asking.asker import Asker, AskingConfig, Example, files
from icdcoder.predictors.asking.targets import Targets, targets_of
from icdcoder.predictors.concept_scorers import lexical
from icdcoder.predictors.concept_scorers.lexical import LexicalScorer
from icdcoder.text.sample import Sampler, head

STEM = "concept_model"
PLACES = frozenset({"concept"})
TABLE = "[model.scorer.asking]"


class Config(Settings):
    """targets: see predictors/asking/targets.py. asking: the language model and how it is asked."""

    targets: Targets = "evidence"
    asking: AskingConfig = AskingConfig()


@dataclass(frozen=True)
class LanguageModelScorer:
    """words: finds where a note speaks of a concept, which the language model does not say."""

    concepts: ConceptSet
    asker: Asker
    words: LexicalScorer

    @property
    def files(self) -> tuple[str, ...]:
        return (*files(STEM), *self.words.files)

    def scores(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note concept" in [0, 1]; an empty note supports nothing."""
        return np.stack([self.scores_of(note, range(len(self.concepts))) for note in notes])

    def scores_of(self, note: Note, asked: Sequence[int]) -> npt.NDArray[np.float32]:
        """Of some concepts, in one reading of the note."""
        return self.asker.probabilities(note, questions([self.concepts.concepts[i].name for i in asked]))

    def evidence(self, note: Note) -> dict[int, tuple[Evidence, ...]]:
        """Where the words of a concept stand."""
        return self.words.evidence(note)

    def left_unread(self, note: Note) -> tuple[Span, ...]:
        """Where all concepts are asked of; where only some are, which are shorter, it may be less."""
        return self.asker.left_unread(note, questions([concept.name for concept in self.concepts]))

    def save(self, folder: Path) -> None:
        self.asker.save(folder, STEM)
        self.words.save(folder)


def questions(names: Sequence[str]) -> list[Mapping[str, str]]:
    return [{"concept": name} for name in names]


def fit(
    config: Config,
    concepts: ConceptSet,
    documents: Sequence[Document],
    seed: int,
    course: Course = UNWATCHED,
    sampler: Sampler = head,
) -> LanguageModelScorer:
    """Raises ConfigError where there is no language model or it does not fit, MissingExtraError without [llm]."""
    asker = Asker.new(config.asking, "concept", PLACES, TABLE, seed, sampler)
    words = lexical.fit(lexical.Config(), concepts, documents, seed)
    if config.asking.tuning != "none":
        every = questions([concept.name for concept in concepts])
        targets = targets_of(config.targets, concepts, documents, seed)
        examples = [Example(d.joined(), every, row) for d, row in zip(documents, targets, strict=True)]
        asker.fit(examples, seed, course)
    return LanguageModelScorer(concepts, asker, words)


def load(folder: Path, config: Config, concepts: ConceptSet, sampler: Sampler = head) -> LanguageModelScorer:
    """Raises ArtefactError where the files do not fit the settings."""
    words = lexical.load(folder, lexical.Config(), concepts)
    return LanguageModelScorer(concepts, Asker.read(config.asking, folder, STEM, PLACES, sampler), words)
