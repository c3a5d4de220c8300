"""Concepts by a pretrained encoder that reads a window and the concept together (nn/asking/cross_encoder.py).

Every concept is read with every window, so that the cost is their product: for few concepts, or within `hierarchical`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from icdcoder.core.cache import write_atomic
from icdcoder.core.config import Settings
from icdcoder.core.document import Document
from icdcoder.core.errors import ArtefactError, ConfigError, IcdcoderError
from icdcoder.core.note import Note
from icdcoder.core.prediction import Evidence, Span
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.nn.asking.cross_encoder import CrossEncoder, Pooling
from icdcoder.nn.asking.fine_tuning import UNWATCHED, Course, fine_tune
from icdcoder.nn.pretrained.loading import load_pretrained
from icdcoder.predictors.asking.asker import sample
from icdcoder.predictors.asking.targets import Targets, targets_of
from icdcoder.predictors.concept_scorers import lexical
from icdcoder.predictors.concept_scorers.lexical import LexicalScorer
from icdcoder.text import samplers
from icdcoder.text.checkpoints import checkpoint_folder
from icdcoder.text.readers.subwords import FILE as TOKENIZER
from icdcoder.text.readers.subwords import Subwords
from icdcoder.text.sample import Sampler, head

WEIGHTS, KNOWN = "cross_encoder.safetensors", "cross_encoder.json"
WEIGHT_DECAY = 0.01


class Config(Settings):
    """checkpoint: folder of a pretrained encoder; a coder's folder holds its weights, and needs it no more.

    targets: see predictors/asking/targets.py. window, overlap: tokens of the note that are read at once, and that two
    windows share. pooling of a long note's windows. max_tokens: of a note. questions: concepts of each note in each
    epoch, half of them supported ones where there are so many.
    """

    checkpoint: Path | None = None
    targets: Targets = "evidence"
    window: int = Field(default=256, gt=0)
    overlap: int = Field(default=32, ge=0)
    pooling: Pooling = "max"
    max_tokens: int = Field(default=4096, gt=0)
    epochs: int = Field(default=2, ge=1)
    batch_size: int = Field(default=4, gt=0)
    questions: int = Field(default=8, gt=0)
    learning_rate: float = Field(default=5e-5, gt=0, allow_inf_nan=False)


@dataclass(frozen=True)
class CrossScorer:
    """asked: the tokens of each concept. words: finds where a note speaks of it."""

    concepts: ConceptSet
    model: CrossEncoder
    tokenizer: Subwords
    architecture: dict[str, object]
    asked: Sequence[Sequence[int]]
    max_tokens: int
    words: LexicalScorer
    sampler: Sampler = head

    @property
    def files(self) -> tuple[str, ...]:
        return (WEIGHTS, KNOWN, TOKENIZER, *self.words.files)

    def scores(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note concept" in [0, 1]; an empty note supports nothing."""
        return np.stack([self.scores_of(note, range(len(self.concepts))) for note in notes])

    def scores_of(self, note: Note, asked: Sequence[int]) -> npt.NDArray[np.float32]:
        tokens = self.read(note)
        if not tokens or not len(asked):
            return np.zeros(len(asked), dtype=np.float32)
        with torch.inference_mode():
            return torch.sigmoid(self.model(tokens, [self.asked[i] for i in asked])).cpu().numpy()

    def evidence(self, note: Note) -> dict[int, tuple[Evidence, ...]]:
        """Where the words of a concept stand."""
        return self.words.evidence(note)

    def read(self, note: Note) -> list[int]:
        return samplers.read(self.tokenizer, note.text, self.max_tokens, self.sampler)[0].ids.tolist()

    def left_unread(self, note: Note) -> tuple[Span, ...]:
        return samplers.read(self.tokenizer, note.text, self.max_tokens, self.sampler)[1]

    def save(self, folder: Path) -> None:
        from safetensors.torch import save_file

        save_file({name: weight.contiguous() for name, weight in self.model.state_dict().items()}, folder / WEIGHTS)
        (folder / WEIGHTS).chmod(0o644)
        write_atomic(folder / KNOWN, json.dumps(self.architecture))
        self.tokenizer.save(folder)
        self.words.save(folder)


def fit(
    config: Config,
    concepts: ConceptSet,
    documents: Sequence[Document],
    seed: int,
    course: Course = UNWATCHED,
    sampler: Sampler = head,
) -> CrossScorer:
    """The same documents and seed give the same scorer on a CPU. Raises ConfigError where there is no encoder or the
    window does not fit, MissingExtraError without [llm]."""
    if config.checkpoint is None:
        raise ConfigError("[model.scorer] needs a pretrained encoder: set its checkpoint to the folder of config.json.")
    folder = checkpoint_folder(config.checkpoint)
    words = lexical.fit(lexical.Config(), concepts, documents, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        scorer = _scorer(config, concepts, Subwords.load(folder), folder, None, words, sampler)
        targets = targets_of(config.targets, concepts, documents, seed)
        notes = [scorer.read(document.joined()) for document in documents]
        _train(scorer, notes, targets, config, np.random.default_rng(seed), course)
    return scorer


def load(folder: Path, config: Config, concepts: ConceptSet, sampler: Sampler = head) -> CrossScorer:
    """Raises ArtefactError where the files do not fit the settings."""
    from safetensors.torch import load_file

    words = lexical.load(folder, lexical.Config(), concepts)
    try:
        known = json.loads((folder / KNOWN).read_text(encoding="utf-8"))
        scorer = _scorer(config, concepts, Subwords.load(folder), None, known, words, sampler)
        scorer.model.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        if isinstance(error, IcdcoderError):
            raise
        raise ArtefactError(f"The cross-encoder in {folder} does not fit its settings.") from None
    return scorer


def _scorer(
    config: Config,
    concepts: ConceptSet,
    tokenizer: Subwords,
    folder: Path | None,
    architecture: dict[str, object] | None,
    words: LexicalScorer,
    sampler: Sampler,
) -> CrossScorer:
    pretrained = load_pretrained(folder, architecture, tokenizer.size)
    asked = [ids.tolist() for ids in tokenizer.encode_all([concept.name for concept in concepts])]
    longest = max(map(len, asked), default=0)
    model = CrossEncoder(pretrained, config.window, config.overlap, config.pooling, longest)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device).eval()
    return CrossScorer(concepts, model, tokenizer, pretrained.architecture, asked, config.max_tokens, words, sampler)


def _train(
    scorer: CrossScorer,
    notes: Sequence[Sequence[int]],
    targets: npt.NDArray[np.float32],
    config: Config,
    rng: np.random.Generator,
    course: Course,
) -> None:
    readable = [i for i, note in enumerate(notes) if len(note)]

    def epochs() -> Iterator[list[tuple[int, npt.NDArray[np.int64]]]]:
        """Notes, each with the concepts that are asked of it."""
        for _ in range(config.epochs):
            yield [(int(i), sample(targets[i], config.questions, rng)) for i in rng.permutation(readable)]

    def loss(item: tuple[int, npt.NDArray[np.int64]]) -> Tensor:
        note, chosen = item
        logits = scorer.model(notes[note], [scorer.asked[j] for j in chosen])
        return binary_cross_entropy_with_logits(logits, torch.from_numpy(targets[note][chosen]).to(logits.device))

    fine_tune(
        scorer.model,
        epochs(),
        loss,
        lambda _: config.batch_size,
        count=config.epochs,
        learning_rate=config.learning_rate,
        weight_decay=WEIGHT_DECAY,
        together=config.batch_size,
        course=course,
    )
