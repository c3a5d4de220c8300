"""A language model, its tokenizer and a prompt: asks questions about notes, is fine-tuned, saved and read again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from icdcoder.core.cache import write_atomic
from icdcoder.core.config import Settings
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.core.note import Note
from icdcoder.core.prediction import Span
from icdcoder.nn.asking.fine_tuning import UNWATCHED, Course
from icdcoder.nn.asking.yes_no import Answers, Asked, YesNoModel, train_yes_no
from icdcoder.nn.pretrained.loading import Pretrained, Weights, add_lora, load_pretrained
from icdcoder.predictors.asking.prompt import Prompt
from icdcoder.text import samplers
from icdcoder.text.checkpoints import checkpoint_folder
from icdcoder.text.readers.subwords import FILE as TOKENIZER
from icdcoder.text.readers.subwords import Subwords
from icdcoder.text.sample import Sampler, head

Fields = Mapping[str, str]
# The end of a question with which the tokens of the answers are found.
END = 24


class AskingConfig(Settings):
    """checkpoint: folder of a causal language model. whole: a coder's folder holds its weights too; else only those
    that were trained, and the checkpoint must be there when the coder is loaded.

    prompt: a file of the user's. yes, no: the answers, as they follow the prompt. max_tokens: of a note, the rest is
    not read; fewer where the model reads no more with prompt and questions. tuning: "lora" adapters of rank lora_rank,
    "full" all weights, "none" the model as it is. epochs over the notes, batch_size notes a step, questions: of each
    note in each epoch, half of them with the answer yes where there are so many. chunk: tokens of questions that are
    read together.
    """

    checkpoint: Path | None = None
    whole: bool = True
    prompt: Path | None = None
    yes: str = " yes"
    no: str = " no"
    max_tokens: int = Field(default=4096, gt=0)
    tuning: Literal["lora", "full", "none"] = "lora"
    lora_rank: int = Field(default=16, gt=0)
    lora_alpha: float = Field(default=32.0, gt=0)
    lora_dropout: float = Field(default=0.05, ge=0, lt=1)
    weights: Weights = "float32"
    epochs: int = Field(default=3, ge=1)
    batch_size: int = Field(default=4, gt=0)
    questions: int = Field(default=24, gt=0)
    learning_rate: float = Field(default=2e-4, gt=0, allow_inf_nan=False)
    chunk: int = Field(default=1024, gt=0)


@dataclass(frozen=True, slots=True)
class Example:
    """A note, and every question that could be asked of it with the answer in [0, 1]."""

    note: Note
    questions: Sequence[Fields]
    targets: npt.NDArray[np.float32]


class Asker:
    """causal: loaded with `writes`. sampler: which tokens of a longer note are read. Raises ConfigError where it is no
    causal language model, or where tokenizer and answers do not fit."""

    def __init__(
        self,
        config: AskingConfig,
        causal: Pretrained,
        tokenizer: Subwords,
        prompt: Prompt,
        seed: int = 0,
        sampler: Sampler = head,
    ) -> None:
        _require_causal(causal)
        self.config = config
        self.sampler = sampler
        self.tokenizer = tokenizer
        self.prompt = prompt
        self.architecture: dict[str, Any] = causal.architecture["config"]
        self.start, _ = tokenizer.special_tokens
        if config.tuning == "lora":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)  # adapters are drawn at random
                add_lora(causal.model, rank=config.lora_rank, alpha=config.lora_alpha, dropout=config.lora_dropout)
        elif config.tuning == "none":
            causal.model.requires_grad_(False)
        end = prompt.text[-END:]
        answers = Answers.of(*(tokenizer.encode(end + answer).tolist() for answer in ("", config.yes, config.no)))
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = YesNoModel(causal.model, answers, _limit(causal)).to(device).eval()

    @classmethod
    def new(
        cls,
        config: AskingConfig,
        own: str,
        places: frozenset[str],
        table: str,
        seed: int = 0,
        sampler: Sampler = head,
    ) -> Asker:
        """own: the name of our prompt. table: of the settings, for errors. Raises ConfigError, MissingExtraError."""
        if config.checkpoint is None:
            raise ConfigError(f"{table} needs a language model: set its checkpoint to the folder of its config.json.")
        folder = checkpoint_folder(config.checkpoint)
        tokenizer = Subwords.load(folder)
        causal = load_pretrained(folder, None, tokenizer.size, weights=config.weights, writes=True)
        return cls(config, causal, tokenizer, Prompt.load(own, config.prompt, places), seed, sampler)

    def text(self, note: Note, room: int = 0) -> list[int]:
        """The tokens that all questions of a note share. room: that a question needs behind them. Raises ConfigError
        where prompt and question leave the note none."""
        return self._read(note, room)[0]

    def left_unread(self, note: Note, questions: Sequence[Fields]) -> tuple[Span, ...]:
        """What is not read of a note of which these questions are asked."""
        if not note.text.strip():
            return ()
        return self._read(note, self._room(self._tokens(questions)))[1]

    def _read(self, note: Note, room: int) -> tuple[list[int], tuple[Span, ...]]:
        before, after = (self.tokenizer.encode(part).tolist() for part in (self.prompt.before, self.prompt.after))
        budget = self.config.max_tokens
        if self.model.limit is not None:
            around = len(self.start) + len(before) + len(after) + room + len(self.model.answers.shared)
            budget = min(budget, self.model.limit - around)
            if budget <= 0:
                raise ConfigError(
                    f"Prompt and question have {around} tokens, and the language model reads {self.model.limit} at "
                    "once, so that no room is left for the note; shorten the prompt (prompt = FILE), or take a model "
                    "of a longer context."
                )
        found, left_unread = samplers.read(self.tokenizer, note.text, budget, self.sampler)
        return [*self.start, *before, *found.ids.tolist(), *after], left_unread

    def _tokens(self, questions: Sequence[Fields]) -> list[list[int]]:
        return [ids.tolist() for ids in self.tokenizer.encode_all([self.prompt.fill(one) for one in questions])]

    def _room(self, questions: Sequence[Sequence[int]]) -> int:
        return max(map(len, questions), default=0)

    def asked(self, note: Note, questions: Sequence[Fields], targets: Sequence[float] = ()) -> Asked:
        """What the model reads, in tokens; no target is among it."""
        tokens = self._tokens(questions)
        return Asked(self.text(note, self._room(tokens)), tokens, targets)

    def probabilities(self, note: Note, questions: Sequence[Fields]) -> npt.NDArray[np.float32]:
        """That the answer is yes, one a question; an empty note supports nothing."""
        if not note.text.strip():
            return np.zeros(len(questions), dtype=np.float32)
        return self.model.probabilities(self.asked(note, questions), self.config.chunk)

    def fit(self, examples: Sequence[Example], seed: int, course: Course = UNWATCHED) -> list[float]:
        """Fine-tunes on questions drawn anew in each epoch; returns each epoch's loss. Nothing to do where tuning is
        "none"; the random state outside stays as it is."""
        if self.config.tuning == "none":
            return []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return train_yes_no(
                self.model,
                self._epochs(examples, np.random.default_rng(seed)),
                count=self.config.epochs,
                learning_rate=self.config.learning_rate,
                together=self.config.batch_size,
                course=course,
            )

    def _epochs(self, examples: Sequence[Example], rng: np.random.Generator) -> Iterator[list[Asked]]:
        readable = [example for example in examples if example.note.text.strip() and len(example.questions)]
        for _ in range(self.config.epochs):
            drawn = []
            for i in rng.permutation(len(readable)):
                example = readable[i]
                chosen = sample(example.targets, self.config.questions, rng)
                targets = example.targets[chosen].tolist()
                drawn.append(self.asked(example.note, [example.questions[j] for j in chosen], targets))
            yield drawn

    def save(self, folder: Path, stem: str) -> None:
        """Writes `files(stem)` into an existing folder."""
        from safetensors.torch import save_file

        weights, known, tokens, prompt = (folder / name for name in files(stem))
        kept = {
            name: weight.detach().cpu().contiguous()
            for name, weight in self.model.model.named_parameters()
            if self.config.whole or weight.requires_grad
        }
        save_file(kept, weights)
        weights.chmod(0o644)
        write_atomic(known, json.dumps(self.architecture, indent=1))
        self.tokenizer.save(folder)
        (folder / TOKENIZER).replace(tokens)
        write_atomic(prompt, self.prompt.text + "\n")

    @classmethod
    def read(
        cls, config: AskingConfig, folder: Path, stem: str, places: frozenset[str], sampler: Sampler = head
    ) -> Asker:
        """What `save` wrote. Raises ArtefactError where files do not fit, ConfigError where a checkpoint is missing."""
        from safetensors.torch import load_file

        weights, known, tokens, prompt = (folder / name for name in files(stem))
        try:
            architecture = {"config": json.loads(known.read_text(encoding="utf-8")), "prefix": [], "suffix": []}
            folder_of_base = None if config.whole else checkpoint_folder(_named(config))
            tokenizer = Subwords.load(tokens)
            causal = load_pretrained(
                folder_of_base,
                architecture if config.whole else None,
                tokenizer.size,
                weights=config.weights,
                writes=True,
            )
            asked = Prompt.parse(prompt.read_text(encoding="utf-8"), places, str(prompt))
            asker = cls(config, causal, tokenizer, asked, sampler=sampler)
            expected = {n for n, w in asker.model.model.named_parameters() if config.whole or w.requires_grad}
            state = load_file(weights)
            if set(state) != expected:
                raise RuntimeError
            asker.model.model.load_state_dict(state, strict=False)
        except (OSError, ValueError, KeyError, RuntimeError):
            raise ArtefactError(f"The language model in {folder} does not fit its settings.") from None
        return asker


def files(stem: str) -> tuple[str, ...]:
    """The names that `Asker.save` writes."""
    return (f"{stem}.safetensors", f"{stem}.json", f"{stem}_tokenizer.json", f"{stem}_prompt.txt")


def sample(targets: npt.NDArray[np.float32], count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Indices of at most `count` questions: up to half of them with the answer yes; in random order."""
    yes, no = (rng.permutation(np.flatnonzero(which)) for which in (targets >= 0.5, targets < 0.5))
    kept = yes[: max(count // 2, count - len(no))]
    return rng.permutation(np.concatenate([kept, no[: count - len(kept)]]))


def _require_causal(causal: Pretrained) -> None:
    config = causal.model.config
    if config.is_encoder_decoder or not getattr(config, "is_decoder", True):
        raise ConfigError(f"A {config.model_type} model is no causal language model; choose a decoder such as LLaMA.")


def _limit(causal: Pretrained) -> int | None:
    """Within a sliding window every token sees the whole text, as the masks of `nn/asking/shared_prefix.py` have it."""
    known = [length for length in (causal.limit, getattr(causal.model.config, "sliding_window", None)) if length]
    return min(known) if known else None


def _named(config: AskingConfig) -> Path:
    if config.checkpoint is None:
        raise ConfigError("The coder's folder holds no language model (whole = false): name its checkpoint.")
    return config.checkpoint
