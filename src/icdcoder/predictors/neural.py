"""A trained network as a predictor: text → reader → model → probabilities → accepted codes."""

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
from icdcoder.nn.contract import CodingModel, ModelContext, channels_of
from icdcoder.nn.placement import device_of, to_accelerator
from icdcoder.nn.scoring import probabilities
from icdcoder.text import reader, samplers
from icdcoder.text.channels import compute
from icdcoder.text.reader import Reader
from icdcoder.text.sample import Sampler, head

# How many notes are scored together, and how many candidates are listed beyond need when the user does not say.
NOTES_AT_ONCE = 16
DEFAULT_TOP = 15


@dataclass(frozen=True)
class Read:
    """A note as the model saw it. offsets: "token 2", [start, end) into the note's text. channels: see Batch."""

    tokens: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    left_unread: tuple[Span, ...]
    channels: dict[str, npt.NDArray[np.int32]]


@dataclass(frozen=True)
class NeuralPredictor:
    """threshold: probability above which a code is accepted. descriptions and editions: of the space's codes.
    sampler: which max_tokens tokens of a longer note are read."""

    name: CoderName
    model: CodingModel
    reader: Reader
    space: LabelSpace
    threshold: float
    max_tokens: int
    descriptions: dict[Code, str]
    edition: str
    sampler: Sampler = head

    def read(self, note: Note) -> Read:
        tokens, left_unread = samplers.read(self.reader, note.text, self.max_tokens, self.sampler)
        offsets = tokens.offsets.astype(np.int64)
        channels = compute(channels_of(self.model), note.text, offsets)
        return Read(tokens.ids, offsets, left_unread, channels)

    def probabilities(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note code"."""
        return self._probabilities([self.read(note) for note in notes])

    def _probabilities(self, reads: Sequence[Read]) -> npt.NDArray[np.float32]:
        batch = self.notes(reads)
        return probabilities(self.model, batch, batch_size=NOTES_AT_ONCE)

    def notes(self, reads: Sequence[Read]) -> TokenisedNotes:
        """For the network."""
        channels = {name: [read.channels[name] for read in reads] for name in channels_of(self.model)}
        return TokenisedNotes([read.tokens for read in reads], codes=len(self.space), channels=channels)

    def attention(self, note: Note, codes: Sequence[Code]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """(weights "code token", offsets "token 2"); see AttendingPredictor."""
        read = self.read(note)
        if not len(read.tokens) or not codes:
            return np.zeros((len(codes), 0), dtype=np.float32), np.zeros((0, 2), dtype=np.int64)
        device = device_of(self.model)
        batch = self.notes([read]).batch([0]).to(device)
        asked = torch.tensor([self.space.index(code) for code in codes], device=device)
        with torch.inference_mode():
            scores = self.model(batch, attention_codes=asked)
        if scores.attention is None:
            raise ArtefactError(f"The model of {self.name.name!r} gives no attention; choose another explainer.")
        return scores.attention[0].float().cpu().numpy(), read.offsets

    def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
        """Predictions without evidence: an explainer adds it."""
        for start in range(0, len(notes), NOTES_AT_ONCE):
            part = notes[start : start + NOTES_AT_ONCE]
            reads = [self.read(note) for note in part]
            for note, read, row in zip(part, reads, self._probabilities(reads), strict=True):
                yield self.prediction(note, read, row, DEFAULT_TOP if top is None else top)

    def prediction(self, note: Note, read: Read, row: npt.NDArray[np.float32], top: int) -> Prediction:
        """row: the probability of each code."""
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
    text, own_text = reader.resolve({key: value for key, value in card["text"].items() if key != "rule"})
    reads = reader.load(folder, text, own_text)
    module = components.load("models", card["model"]["kind"])
    settings = {key: value for key, value in card["model"].items() if key != "kind"}
    model = module.build(build(module.Config, settings, "model"), ModelContext(vocabulary_size=reads.size, space=space))
    try:
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except RuntimeError as error:
        raise ArtefactError(
            f"The weights in {folder} do not fit its settings: {str(error).splitlines()[-1].strip()}"
        ) from None
    model = to_accelerator(model.eval())
    return NeuralPredictor(
        name=CoderName(card["name"], card["version"]),
        model=model,
        reader=reads,
        space=space,
        threshold=card["threshold"]["value"],
        max_tokens=text.max_tokens,
        descriptions={Code.parse(code): text for code, text in card["descriptions"].items()},
        edition=card["edition"],
        sampler=samplers.load(folder, text),
    )
