"""Scorers of concepts: one file a way to say which concepts a note supports (the contract: predictors/concept.py)."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icdcoder.core.config import Settings
    from icdcoder.core.document import Document
    from icdcoder.knowledge.concepts import ConceptSet
    from icdcoder.nn.asking.fine_tuning import Course


def fitted(
    module: Any, config: Settings, concepts: ConceptSet, documents: Sequence[Document], seed: int, course: Course
) -> Any:
    """What the `fit` of a scorer's module gives. One that fine-tunes a pretrained model takes a `course`."""
    if "course" in inspect.signature(module.fit).parameters:
        return module.fit(config, concepts, documents, seed, course=course)
    return module.fit(config, concepts, documents, seed)
