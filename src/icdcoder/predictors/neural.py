"""A trained network as a predictor: words → vocabulary → model → probabilities → accepted codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.config import build
from icdcoder.core.errors import ArtefactError
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.note import Note
from icdcoder.core.prediction import CodePrediction, CoderName, Prediction, Span
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import CodingModel, ModelContext
from icdcoder.nn.scoring import probabilities
from icdcoder.text.sample import head
from icdcoder.text.tokens import words
from icdcoder.text.vocabulary import Vocabulary

# How many notes are scored together, and how many candidates are listed beyond need when the user does not say.
NOTES_AT_ONCE = 16
DEFAULT_TOP = 15


@dataclass(frozen=True)
class Read:
    """A note as the model saw it. offsets: "token 2", [start, end) into the note's text."""

    tokens: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    left_unread: tuple[Span, ...]


@dataclass(frozen=True)
class NeuralPredictor:
    """threshold: probability above which a code is accepted. descriptions and editions: of the space's codes."""

    name: CoderName
    model: CodingModel
    vocabulary: Vocabulary
    space: LabelSpace
    threshold: float
    max_tokens: int
    descriptions: dict[Code, str]
    edition: str

    def read(self, note: Note) -> Read:
        tokens = words(note.text)
        kept = head(tokens, self.max_tokens)
        ids = self.vocabulary.encode(tokens.texts)[kept.kept]
        return Read(ids, tokens.offsets[kept.kept].astype(np.int64), kept.left_unread)

    def probabilities(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note code"."""
        return self._probabilities([self.read(note) for note in notes])

    def _probabilities(self, reads: Sequence[Read]) -> npt.NDArray[np.float32]:
        batch = TokenisedNotes([read.tokens for read in reads], codes=len(self.space))
        return probabilities(self.model, batch, batch_size=NOTES_AT_ONCE)

    def attention(self, note: Note, codes: Sequence[Code]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """(weights "code token", offsets "token 2"); see AttendingPredictor."""
        read = self.read(note)
        if not len(read.tokens) or not codes:
            return np.zeros((len(codes), 0), dtype=np.float32), np.zeros((0, 2), dtype=np.int64)
        batch = TokenisedNotes([read.tokens], codes=len(self.space)).batch([0])
        asked = torch.tensor([self.space.index(code) for code in codes])
        with torch.inference_mode():
            scores = self.model(batch, attention_codes=asked)
        if scores.attention is None:
            raise ArtefactError(f"The model of {self.name.name!r} gives no attention; choose another explainer.")
        return scores.attention[0].float().numpy(), read.offsets

    def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
        """Predictions without evidence: an explainer adds it."""
        for start in range(0, len(notes), NOTES_AT_ONCE):
            part = notes[start : start + NOTES_AT_ONCE]
            reads = [self.read(note) for note in part]
            for note, read, row in zip(part, reads, self._probabilities(reads), strict=True):
                yield self._prediction(note, read, row, DEFAULT_TOP if top is None else top)

    def _prediction(self, note: Note, read: Read, row: npt.NDArray[np.float32], top: int) -> Prediction:
        readable = len(read.tokens) > 0
        order = np.argsort(-row, kind="stable") if readable else np.zeros(0, dtype=np.int64)
        codes = []
        for rank, index in enumerate(order):
            accepted = bool(row[index] > self.threshold)
            if not accepted and rank >= top:
                break
            code = self.space.codes[index]
            codes.append(CodePrediction(code, self.descriptions.get(code, ""), float(row[index]), accepted))
        return Prediction(
            note_id=note.id,
            coder=self.name,
            system="+".join(self.space.systems),
            edition=self.edition,
            codes=tuple(codes),
            left_unread=read.left_unread,
            warnings=() if readable else ("The note holds no word that could be read.",),
        )


def load(folder: Path, card: dict[str, Any]) -> NeuralPredictor:
    """Builds the predictor of a coder folder whose card has been read and whose files have been verified."""
    from safetensors.torch import load_file

    space = LabelSpace.load(folder / "space.json")
    vocabulary = Vocabulary.load(folder / "vocabulary.txt")
    module = components.load("models", card["model"]["kind"])
    settings = {key: value for key, value in card["model"].items() if key != "kind"}
    model = module.build(
        build(module.Config, settings, "model"), ModelContext(vocabulary_size=len(vocabulary), space=space)
    )
    try:
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except RuntimeError as error:
        raise ArtefactError(
            f"The weights in {folder} do not fit its settings: {str(error).splitlines()[-1].strip()}"
        ) from None
    model.eval()
    return NeuralPredictor(
        name=CoderName(card["name"], card["version"]),
        model=model,
        vocabulary=vocabulary,
        space=space,
        threshold=card["threshold"]["value"],
        max_tokens=card["text"]["max_tokens"],
        descriptions={Code.parse(code): text for code, text in card["descriptions"].items()},
        edition=card["edition"],
    )
