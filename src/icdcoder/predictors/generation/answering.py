"""Both answers of a generative model to many notes: label attention and what it writes, each note read once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from icdcoder.core.label_space import LabelSpace
from icdcoder.core.progress import SILENT, Progress
from icdcoder.models.generative_coder import GenerativeCoder
from icdcoder.nn.batching import TokenisedNotes, scoring_batches
from icdcoder.nn.scoring import scoring_mode
from icdcoder.nn.writing.answer_prefix import AnswerPrefix
from icdcoder.nn.writing.constrained_decoding import decode
from icdcoder.nn.writing.free_decoding import write_freely
from icdcoder.nn.writing.label_trie import LabelTrie
from icdcoder.text.prompting.formats import AnswerFormat

Decoding = Literal["constrained", "free"]
WAYS = ("attention", "generation")


@dataclass(frozen=True, slots=True)
class Answers:
    """attention, generation: "note code" of probabilities; None where the model has no such answer. A free answer has 1
    for the codes that it names. outside: codes of each answer that the space does not hold. prose: whether it names
    no code at all and does not say so. cut: whether it had no end."""

    attention: npt.NDArray[np.float32] | None
    generation: npt.NDArray[np.float32] | None
    outside: npt.NDArray[np.int64]
    prose: npt.NDArray[np.bool_]
    cut: npt.NDArray[np.bool_]

    @property
    def by_way(self) -> dict[str, npt.NDArray[np.float32]]:
        found = zip(WAYS, (self.attention, self.generation), strict=True)
        return {name: matrix for name, matrix in found if matrix is not None}

    @property
    def counts(self) -> dict[str, int]:
        if self.generation is None:
            return {}
        found = {"outside_space": self.outside, "prose": self.prose, "cut": self.cut}
        return {name: int(values.sum()) for name, values in found.items()}


@dataclass(frozen=True)
class Answering:
    """How a model is asked. text: token numbers as text. most_tokens: of a free answer. batch_size: notes together."""

    model: GenerativeCoder
    space: LabelSpace
    form: AnswerFormat
    text: Callable[[Sequence[int]], str]
    decoding: Decoding = "constrained"
    most_tokens: int = 196
    batch_size: int = 16

    def answers(self, notes: TokenisedNotes, progress: Progress = SILENT, *, ways: Collection[str] = WAYS) -> Answers:
        """Rows in the order of the notes. ways: those that are wanted, of which a model may have one only; writing
        takes many times as long as attending. Raises ConfigError where the tokenizer writes two codes alike."""
        model, count = self.model, len(notes)
        shape = (count, notes.codes)
        writes = model.writes and "generation" in ways
        found = Answers(
            attention=np.zeros(shape, dtype=np.float32) if model.attends and "attention" in ways else None,
            generation=np.zeros(shape, dtype=np.float32) if writes else None,
            outside=np.zeros(count, dtype=np.int64),
            prose=np.zeros(count, dtype=np.bool_),
            cut=np.zeros(count, dtype=np.bool_),
        )
        trie = model.answers.trie if writes and self.decoding == "constrained" else None
        device = next(model.parameters()).device
        bare = TokenisedNotes(notes.tokens, notes.codes, channels=notes.channels)
        with scoring_mode(model), progress.track("Answering notes", total=count) as step:
            for rows in scoring_batches(notes.lengths, self.batch_size):
                batch = bare.batch(rows).to(device)
                prefix, logits = model.begin(batch) if writes else (None, model(batch).logits)
                if logits is not None and found.attention is not None:
                    found.attention[rows] = torch.sigmoid(logits.float()).cpu().numpy()
                if prefix is not None and found.generation is not None:
                    self._write(prefix, trie, rows, found, found.generation)
                step(len(rows))
        return found

    def _write(
        self,
        prefix: AnswerPrefix,
        trie: LabelTrie | None,
        rows: npt.NDArray[np.int64],
        found: Answers,
        generation: npt.NDArray[np.float32],
    ) -> None:
        if trie is not None:
            said = decode(prefix, trie)
            generation[rows] = said.scores.cpu().numpy()
            found.cut[rows] = [not ended for ended in said.ended]
            return
        for row, written in zip(rows, write_freely(prefix, self.model.answers.end, self.most_tokens), strict=True):
            parsed = self.form.parse(self.text(written))
            generation[row, [self.space.index(code) for code in parsed.codes]] = 1.0
            found.outside[row], found.prose[row] = parsed.outside, parsed.prose
            found.cut[row] = len(written) == self.most_tokens
