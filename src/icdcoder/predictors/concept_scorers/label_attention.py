"""Concepts by a small network: label attention whose labels are concepts (nn/label_attention.py).

What it learns from is a choice, since no corpus says which concepts a note supports:

- "evidence": the scores of `lexical` on the training notes. No code is looked at, so that no label can reach a score;
  what the network can add is to find a concept by the words around it, where its own are not there.
- "codes": a concept is taken to be in every note that has one of its codes. This is weak and label-derived: most notes
  with a code do not say most of its concepts, and the network becomes a coder that answers in concepts. It is there to
  be compared with; the leak check may well name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from icdcoder.core.config import Settings
from icdcoder.core.document import Document
from icdcoder.core.errors import ArtefactError
from icdcoder.core.note import Note
from icdcoder.core.prediction import Evidence
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.nn.batching import TokenisedNotes, training_batches
from icdcoder.nn.contract import Batch, Scores
from icdcoder.nn.convolution import TokenConvolution
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.scoring import probabilities
from icdcoder.nn.word_embedding import WordEmbedding
from icdcoder.predictors.concept_scorers import lexical
from icdcoder.text.readers.words import WordReader
from icdcoder.text.rules import named
from icdcoder.text.vocabulary import Vocabulary

WEIGHTS, WORDS = "concept_network.safetensors", "vocabulary.txt"
METHOD = "concept attention"
RULE = "caml"
NOTES_AT_ONCE = 16
# Tokens on either side of the one that is attended to most.
BESIDE = 1


class Config(Settings):
    """targets: see above. A word needs to be in min_documents training notes. Trained by Adam, without validation."""

    targets: Literal["evidence", "codes"] = "evidence"
    embedding: int = Field(64, gt=0)
    filters: int = Field(64, gt=0)
    kernel: int = Field(5, gt=0)
    max_tokens: int = Field(2500, gt=0)
    min_documents: int = Field(2, ge=1)
    epochs: int = Field(15, gt=0)
    batch_size: int = Field(16, gt=0)
    learning_rate: float = Field(0.003, gt=0, allow_inf_nan=False)


class ConceptNetwork(nn.Module):
    """Word vectors, one convolution, label attention: CAML, with concepts for codes. A `CodingModel` over concepts."""

    def __init__(self, words: int, concepts: int, config: Config) -> None:
        super().__init__()
        self.words = WordEmbedding(words, config.embedding, dropout=0.2)
        self.convolution = TokenConvolution(config.embedding, config.filters, config.kernel)
        self.label_attention = LabelAttention(concepts, config.filters, config.filters)

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        states = torch.tanh(self.convolution(self.words(batch.tokens, batch.mask), batch.mask))
        return self.label_attention(states, states, batch.mask, attention_codes)


@dataclass(frozen=True)
class AttentionScorer:
    concepts: ConceptSet
    network: ConceptNetwork
    reader: WordReader
    max_tokens: int

    files = (WEIGHTS, WORDS)

    def scores(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note concept"; a note without a known word supports nothing."""
        tokens = [self.reader.encode(note.text)[: self.max_tokens] for note in notes]
        found = probabilities(self.network, TokenisedNotes(tokens, len(self.concepts)), batch_size=NOTES_AT_ONCE)
        found[[not len(row) for row in tokens]] = 0.0
        return found

    def evidence(self, note: Note) -> dict[int, tuple[Evidence, ...]]:
        """For each concept that the note supports, the words at which the network looks most."""
        read = self.reader.read(note.text)
        tokens = read.ids[: self.max_tokens]
        if not len(tokens):
            return {}
        likely = self.scores([note])[0]
        asked = np.flatnonzero(likely >= 0.5)
        batch = TokenisedNotes([tokens], len(self.concepts)).batch([0])
        with torch.inference_mode():
            attention = self.network(batch, attention_codes=torch.from_numpy(asked)).attention
        found = {}
        for concept, row in zip(asked.tolist(), attention[0].numpy(), strict=True):
            peak = int(row.argmax())
            start = int(read.offsets[max(0, peak - BESIDE), 0])
            end = int(read.offsets[min(len(tokens) - 1, peak + BESIDE), 1])
            found[concept] = (Evidence(start, end, note.text[start:end], METHOD, float(likely[concept])),)
        return found

    def save(self, folder: Path) -> None:
        from safetensors.torch import save_file

        save_file(self.network.state_dict(), folder / WEIGHTS)
        self.reader.vocabulary.save(folder / WORDS)


def fit(config: Config, concepts: ConceptSet, documents: Sequence[Document], seed: int) -> AttentionScorer:
    """The same documents and seed give the same scorer on a CPU."""
    notes = [document.joined() for document in documents]
    words = Vocabulary.fit((named(RULE)(note.text).texts for note in notes), min_documents=config.min_documents)
    reader = WordReader(words, RULE)
    tokens = TokenisedNotes([reader.encode(n.text)[: config.max_tokens] for n in notes], len(concepts))
    targets = torch.from_numpy(_targets(config, concepts, documents, seed))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ConceptNetwork(len(words), len(concepts), config)
        _train(network, tokens, targets, config, seed)
    return AttentionScorer(concepts, network.eval(), reader, config.max_tokens)


def load(folder: Path, config: Config, concepts: ConceptSet) -> AttentionScorer:
    """Raises ArtefactError where the files do not fit the settings."""
    from safetensors.torch import load_file

    reader = WordReader(Vocabulary.load(folder / WORDS), RULE)
    network = ConceptNetwork(reader.size, len(concepts), config)
    try:
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, RuntimeError):
        raise ArtefactError(f"{folder / WEIGHTS} does not fit its settings.") from None
    return AttentionScorer(concepts, network.eval(), reader, config.max_tokens)


def _targets(config: Config, concepts: ConceptSet, documents: Sequence[Document], seed: int) -> npt.NDArray[np.float32]:
    """Matrix "note concept" in [0, 1]."""
    if config.targets == "evidence":
        scorer = lexical.fit(lexical.Config(), concepts, documents, seed)
        return scorer.scores([document.joined() for document in documents])
    rows = [[not set(c.codes).isdisjoint(document.codes) for c in concepts] for document in documents]
    return np.array(rows, dtype=np.float32)


def _train(
    network: ConceptNetwork, notes: TokenisedNotes, targets: Float[Tensor, "note concept"], config: Config, seed: int
) -> None:
    optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    network.train()
    for epoch in range(config.epochs):
        for indices in training_batches(notes.lengths, config.batch_size, seed=seed, epoch=epoch):
            optimiser.zero_grad()
            logits = network(notes.batch(indices)).logits
            # A sum over concepts: a mean would leave each of some hundred concepts a hundredth of the step.
            loss = binary_cross_entropy_with_logits(logits, targets[indices], reduction="none").sum(1).mean()
            loss.backward()
            optimiser.step()
