"""Concepts by their words: how much of a concept's name, or of another wording, the note affirms in one place.

Nothing is learnt from codes; the training notes only tell how rare a word is. It reads any concept at once, also one
that no training note has, and its answer is the evidence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from icdcoder.core.cache import write_atomic
from icdcoder.core.config import Settings
from icdcoder.core.document import Document
from icdcoder.core.errors import ArtefactError
from icdcoder.core.note import Note
from icdcoder.core.prediction import Evidence, Span
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.text.phrase_windows import Found, PhraseWindows, rarity

FILE = "word_rarity.json"
METHOD = "concept words"


class Config(Settings):
    """power: of the share of a wording that a note says; above 1, half a wording counts less than half."""

    power: float = Field(default=2.0, gt=0)


@dataclass(frozen=True)
class LexicalScorer:
    concepts: ConceptSet
    windows: PhraseWindows
    rarity: Mapping[str, float]
    power: float

    files = (FILE,)

    def scores(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note concept" in [0, 1]."""
        matrix = np.zeros((len(notes), len(self.concepts)), dtype=np.float32)
        for row, found in enumerate(self._read(notes)):
            for concept, one in found.items():
                matrix[row, concept] = one.score**self.power
        return matrix

    def scores_of(self, note: Note, asked: Sequence[int]) -> npt.NDArray[np.float32]:
        """Of some concepts; all are scored at once, so that nothing is saved."""
        return self.scores([note])[0, list(asked)]

    def evidence(self, note: Note) -> dict[int, tuple[Evidence, ...]]:
        """Where the note speaks of a concept, also to deny it; by the concept's number."""
        return {
            concept: (Evidence(one.start, one.end, note.text[one.start : one.end], METHOD, one.score**self.power),)
            for concept, one in next(self._read([note])).items()
        }

    def left_unread(self, note: Note) -> tuple[Span, ...]:
        """All is read."""
        return ()

    def save(self, folder: Path) -> None:
        write_atomic(folder / FILE, json.dumps(dict(self.rarity), ensure_ascii=False, indent=0))

    def _read(self, notes: Sequence[Note]) -> Iterator[dict[int, Found]]:
        for note in notes:
            yield self.windows.find(note.text)


def fit(config: Config, concepts: ConceptSet, documents: Sequence[Document], seed: int) -> LexicalScorer:
    """Looks at the notes of the documents, and not at their codes; nothing is drawn by chance."""
    texts = (document.joined().text for document in documents)
    return _scorer(config, concepts, rarity(_windows(concepts, {}).words, texts))


def load(folder: Path, config: Config, concepts: ConceptSet) -> LexicalScorer:
    """Raises ArtefactError where the file is damaged."""
    try:
        known: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return _scorer(config, concepts, {word: float(value) for word, value in known.items()})
    except (OSError, ValueError, TypeError, AttributeError):
        raise ArtefactError(f"{folder / FILE} was not written by icdcoder.") from None


def _scorer(config: Config, concepts: ConceptSet, known: Mapping[str, float]) -> LexicalScorer:
    return LexicalScorer(concepts, _windows(concepts, known), known, config.power)


def _windows(concepts: ConceptSet, known: Mapping[str, float]) -> PhraseWindows:
    named = [(text, i) for i, concept in enumerate(concepts) for text in concept.texts]
    return PhraseWindows([text for text, _ in named], [i for _, i in named], known)
