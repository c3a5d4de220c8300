"""Scorers of concepts: a file for each way to say what a note supports (contract: predictors/concept_stages.py)."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from icdcoder.core.config import Settings
    from icdcoder.core.document import Document
    from icdcoder.knowledge.concepts import ConceptSet
    from icdcoder.nn.asking.fine_tuning import Course
    from icdcoder.text.sample import Sampler


def fitted(
    module: Any,
    config: Settings,
    concepts: ConceptSet,
    documents: Sequence[Document],
    seed: int,
    course: Course,
    sampler: Sampler,
) -> Any:
    """What the `fit` of a scorer's module gives. One that fine-tunes a pretrained model takes a `course`, one that
    reads no more than so many tokens a `sampler`."""
    given = {"course": course, "sampler": sampler}
    return module.fit(config, concepts, documents, seed, **_taken(module.fit, given))


def loaded(module: Any, folder: Path, config: Settings, concepts: ConceptSet, sampler: Sampler) -> Any:
    """What the `load` of a scorer's module gives."""
    return module.load(folder, config, concepts, **_taken(module.load, {"sampler": sampler}))


def _taken(function: Any, given: dict[str, Any]) -> dict[str, Any]:
    known = inspect.signature(function).parameters
    return {name: value for name, value in given.items() if name in known}
