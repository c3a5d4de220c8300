"""Concepts by a small network: label attention whose labels are concepts (predictors/label_networks/network.py).

What it learns from is a choice: see predictors/asking/targets.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from icdcoder.core.config import Settings
from icdcoder.core.document import Document
from icdcoder.core.note import Note
from icdcoder.core.prediction import Evidence, Span
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.predictors.asking.targets import Targets, targets_of
from icdcoder.predictors.label_networks.network import LabelNetwork, NetworkConfig, fit_network, load_network
from icdcoder.text.sample import Sampler, head

FILES = ("concept_network.safetensors", "vocabulary.txt")
METHOD = "concept attention"


class Config(Settings):
    """targets: see above. network: its sizes and its training."""

    targets: Targets = "evidence"
    network: NetworkConfig = NetworkConfig()


@dataclass(frozen=True)
class AttentionScorer:
    concepts: ConceptSet
    network: LabelNetwork

    files = FILES

    def scores(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note concept"; a note without a known word supports nothing."""
        return self.network.scores(notes)

    def scores_of(self, note: Note, asked: Sequence[int]) -> npt.NDArray[np.float32]:
        """Of some concepts; all are scored at once, so that nothing is saved."""
        return self.scores([note])[0, list(asked)]

    def evidence(self, note: Note) -> dict[int, tuple[Evidence, ...]]:
        """For each concept that the note supports, the words at which the network looks most."""
        likely = self.scores([note])[0]
        asked = np.flatnonzero(likely >= 0.5)
        return {
            concept: (Evidence(start, end, note.text[start:end], METHOD, float(likely[concept])),)
            for concept, (start, end) in zip(asked.tolist(), self.network.peaks(note, asked), strict=False)
        }

    def left_unread(self, note: Note) -> tuple[Span, ...]:
        return self.network.left_unread(note)

    def save(self, folder: Path) -> None:
        self.network.save(folder, FILES)


def fit(
    config: Config, concepts: ConceptSet, documents: Sequence[Document], seed: int, sampler: Sampler = head
) -> AttentionScorer:
    """The same documents and seed give the same scorer on a CPU."""
    targets = targets_of(config.targets, concepts, documents, seed)
    notes = [document.joined() for document in documents]
    return AttentionScorer(concepts, fit_network(config.network, notes, targets, seed, sampler))


def load(folder: Path, config: Config, concepts: ConceptSet, sampler: Sampler = head) -> AttentionScorer:
    """Raises ArtefactError where the files do not fit the settings."""
    return AttentionScorer(concepts, load_network(folder, FILES, config.network, len(concepts), sampler))
