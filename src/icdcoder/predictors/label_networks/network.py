"""Word vectors, one convolution, label attention: CAML, for labels of any kind, trained without validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from icdcoder.core.config import Settings
from icdcoder.core.errors import ArtefactError
from icdcoder.core.note import Note
from icdcoder.core.prediction import Span
from icdcoder.nn.batching import TokenisedNotes, training_batches
from icdcoder.nn.contract import Batch, Scores
from icdcoder.nn.convolution import TokenConvolution
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.scoring import probabilities
from icdcoder.nn.word_embedding import WordEmbedding
from icdcoder.text import samplers
from icdcoder.text.reader import Encoded
from icdcoder.text.readers.words import WordReader
from icdcoder.text.rules import named
from icdcoder.text.sample import Sampler, head
from icdcoder.text.vocabulary import Vocabulary

RULE = "caml"
NOTES_AT_ONCE = 16
# Tokens on either side of the one that is attended to most.
BESIDE = 1


class NetworkConfig(Settings):
    """A word needs to be in min_documents training notes. Trained by Adam, without validation."""

    embedding: int = Field(default=64, gt=0)
    filters: int = Field(default=64, gt=0)
    kernel: int = Field(default=5, gt=0)
    max_tokens: int = Field(default=2500, gt=0)
    min_documents: int = Field(default=2, ge=1)
    epochs: int = Field(default=15, gt=0)
    batch_size: int = Field(default=16, gt=0)
    learning_rate: float = Field(default=0.003, gt=0, allow_inf_nan=False)


class LabelModel(nn.Module):
    """A `CodingModel` over labels."""

    def __init__(self, words: int, labels: int, config: NetworkConfig) -> None:
        super().__init__()
        self.words = WordEmbedding(words, config.embedding, dropout=0.2)
        self.convolution = TokenConvolution(config.embedding, config.filters, config.kernel)
        self.label_attention = LabelAttention(labels, config.filters, config.filters)

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        states = torch.tanh(self.convolution(self.words(batch.tokens, batch.mask), batch.mask))
        return self.label_attention(states, states, batch.mask, attention_codes, batch.targets)


@dataclass(frozen=True)
class LabelNetwork:
    model: LabelModel
    reader: WordReader
    max_tokens: int
    labels: int
    sampler: Sampler = head

    def read(self, note: Note) -> tuple[Encoded, tuple[Span, ...]]:
        """(what the network reads, what is left out)."""
        return samplers.read(self.reader, note.text, self.max_tokens, self.sampler)

    def left_unread(self, note: Note) -> tuple[Span, ...]:
        return self.read(note)[1]

    def scores(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note label" of probabilities; a note without a known word has 0 everywhere."""
        tokens = [self.read(note)[0].ids for note in notes]
        found = probabilities(self.model, TokenisedNotes(tokens, self.labels), batch_size=NOTES_AT_ONCE)
        found[[not len(row) for row in tokens]] = 0.0
        return found

    def peaks(self, note: Note, labels: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
        """Where the network looks most for each label, [start, end) of the note; none for a note without words."""
        read, _ = self.read(note)
        if not len(read):
            return []
        batch = TokenisedNotes([read.ids], self.labels).batch([0])
        with torch.inference_mode():
            attention = self.model(batch, attention_codes=torch.from_numpy(labels)).attention
        assert attention is not None
        places = [int(row.argmax()) for row in attention[0].numpy()]
        last = len(read) - 1
        return [
            (int(read.offsets[max(0, place - BESIDE), 0]), int(read.offsets[min(last, place + BESIDE), 1]))
            for place in places
        ]

    def save(self, folder: Path, names: tuple[str, str]) -> None:
        """names: of the weights and of the vocabulary."""
        from safetensors.torch import save_file

        save_file(self.model.state_dict(), folder / names[0])
        (folder / names[0]).chmod(0o644)
        self.reader.vocabulary.save(folder / names[1])


def fit_network(
    config: NetworkConfig,
    notes: Sequence[Note],
    targets: npt.NDArray[np.float32],
    seed: int,
    sampler: Sampler = head,
) -> LabelNetwork:
    """targets: "note label" in [0, 1]. sampler: which max_tokens tokens of a longer note are read. The same notes and
    seed give the same network on a CPU."""
    words = Vocabulary.fit((named(RULE)(note.text).texts for note in notes), min_documents=config.min_documents)
    reader = WordReader(words, RULE)
    labels = targets.shape[1]
    read = [samplers.read(reader, note.text, config.max_tokens, sampler)[0].ids for note in notes]
    tokens = TokenisedNotes(read, labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LabelModel(len(words), labels, config)
        _train(model, tokens, torch.from_numpy(targets), config, seed)
    return LabelNetwork(model.eval(), reader, config.max_tokens, labels, sampler)


def load_network(
    folder: Path, names: tuple[str, str], config: NetworkConfig, labels: int, sampler: Sampler = head
) -> LabelNetwork:
    """Raises ArtefactError where the files do not fit the settings."""
    from safetensors.torch import load_file

    reader = WordReader(Vocabulary.load(folder / names[1]), RULE)
    model = LabelModel(reader.size, labels, config)
    try:
        model.load_state_dict(load_file(folder / names[0]))
    except (OSError, RuntimeError):
        raise ArtefactError(f"{folder / names[0]} does not fit its settings.") from None
    return LabelNetwork(model.eval(), reader, config.max_tokens, labels, sampler)


def _train(
    model: LabelModel, notes: TokenisedNotes, targets: Float[Tensor, "note label"], config: NetworkConfig, seed: int
) -> None:
    optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    model.train()
    for epoch in range(config.epochs):
        for indices in training_batches(notes.lengths, config.batch_size, seed=seed, epoch=epoch):
            optimiser.zero_grad()
            logits = model(notes.batch(indices)).logits
            # A sum over labels: a mean would leave each of some hundred labels a hundredth of the step.
            loss = binary_cross_entropy_with_logits(logits, targets[indices], reduction="none").sum(1).mean()
            loss.backward()
            optimiser.step()
