"""How many training notes speak of each concept, before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError
from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment.concept_scoring import scored
from icdcoder.experiment.concept_training import concepts_of
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import require_prepared
from icdcoder.knowledge.concepts import Concept, fallback_sentences
from icdcoder.predictors import concept
from icdcoder.predictors.concept_scorers import lexical

# A code is covered where more than so many of its concepts stand in a training note that has it.
COVERED_BY = 2


@dataclass(frozen=True)
class Coverage:
    """notes: training notes that affirm each concept. with_code: those among them which have one of its codes.
    codes: covered codes (more than COVERED_BY of their concepts are affirmed in some training note of theirs).
    """

    concepts: tuple[Concept, ...]
    notes: npt.NDArray[np.int64]
    with_code: npt.NDArray[np.int64]
    training_notes: int
    covered: tuple[Code, ...]
    codes: int
    warnings: tuple[str, ...]


def coverage(experiment: Experiment, progress: Progress = SILENT) -> Coverage:
    """By the words of the concepts, whatever the scorer of the settings is. Raises ConfigError where the
    configuration is not one of a coder over concepts."""
    if not isinstance(experiment.model, concept.Config):
        raise ConfigError('The configuration has no concepts: its [model] is not of kind = "concept".')
    prepared = require_prepared(experiment)
    known = concepts_of(experiment.model, prepared)
    training = prepared.split("train")
    documents = [prepared.documents[i] for i in training]
    scores = scored(lexical.fit(lexical.Config(), known, documents, experiment.seed), prepared, training, progress)
    membership, fallen = known.membership(prepared.space.codes)
    gold = prepared.gold(training)
    on = scores > 0.5
    met = (gold.T.astype(np.int64) @ on.astype(np.int64) > 0) & membership
    covered = np.flatnonzero(met.sum(1) > COVERED_BY)
    return Coverage(
        concepts=known.concepts,
        notes=on.sum(0),
        with_code=(on & ((gold @ membership) > 0)).sum(0),
        training_notes=len(training),
        covered=tuple(prepared.space.codes[i] for i in covered),
        codes=len(prepared.space),
        warnings=tuple(fallback_sentences(fallen)),
    )
