"""What scorers of concepts learn from, since no corpus says which concepts a note supports.

- "evidence": the scores of `lexical` on the training notes. No code is looked at, so that no label can reach a score;
  what a model can add is to find a concept by the words around it, where its own are not there.
- "codes": a concept is taken to be in every note that has one of its codes, as in Fatemi et al. This is weak and
  label-derived: most notes with a code do not say most of its concepts, and the scorer becomes a coder that answers in
  concepts. It is there to be compared with; the leak check may well name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from icdcoder.core.document import Document
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.predictors.concept_scorers import lexical

Targets = Literal["evidence", "codes"]


def targets_of(
    kind: Targets, concepts: ConceptSet, documents: Sequence[Document], seed: int
) -> npt.NDArray[np.float32]:
    """Matrix "note concept" in [0, 1]."""
    if kind == "evidence":
        scorer = lexical.fit(lexical.Config(), concepts, documents, seed)
        return scorer.scores([document.joined() for document in documents])
    rows = [[not set(c.codes).isdisjoint(document.codes) for c in concepts] for document in documents]
    return np.array(rows, dtype=np.float32)
