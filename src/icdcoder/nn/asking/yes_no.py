"""Questions that are answered yes or no: a probability from the logits of two words, and no generated text.

    p = softmax(z_yes, z_no)_yes = σ(z_yes − z_no)

for the logits z of the first token of each answer behind the question. Training lowers the cross-entropy of p, so that
no answer is ever part of what the model reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from icdcoder.core.errors import ConfigError, InputError
from icdcoder.nn.asking.fine_tuning import UNWATCHED, Course, fine_tune
from icdcoder.nn.asking.shared_prefix import CHUNK, Tokens, logits_after, logits_at_once


@dataclass(frozen=True, slots=True)
class Answers:
    """shared: tokens that both answers begin with; they belong to the question. yes, no: the first that
    differ."""

    shared: tuple[int, ...]
    yes: int
    no: int

    @classmethod
    def of(cls, end: Tokens, yes: Tokens, no: Tokens) -> Answers:
        """end: the end of a question alone; yes, no: the same with the answers behind it.

        A tokenizer may cut "yes" into several tokens: the first that tells it from "no" stands for it. Raises
        ConfigError where an answer changes the tokens before it, or where the answers cannot be told apart.
        """
        for whole in (yes, no):
            if list(whole[: len(end)]) != list(end):
                raise ConfigError(
                    "The tokenizer joins an answer with the end of the question; let the prompt end in another way, or "
                    "change the answers (yes = …, no = …)."
                )
        own, other = tuple(yes[len(end) :]), tuple(no[len(end) :])
        same = next((i for i, (a, b) in enumerate(zip(own, other, strict=False)) if a != b), None)
        if same is None:
            raise ConfigError(
                "The tokenizer cannot tell the two answers apart: one begins with all tokens of the other."
            )
        return cls(own[:same], own[same], other[same])


@dataclass(frozen=True, slots=True)
class Asked:
    """One text with questions. targets: in [0, 1], one a question; empty where it is only to be answered."""

    text: Tokens
    questions: Sequence[Tokens]
    targets: Sequence[float] = ()


class YesNoModel(nn.Module):
    """model: a causal language model of transformers. limit: tokens that it reads at once."""

    def __init__(self, model: nn.Module, answers: Answers, limit: int | None = None) -> None:
        super().__init__()
        self.model = model
        self.answers = answers
        self.limit = limit
        output = getattr(model, "get_output_embeddings", lambda: None)()
        if isinstance(output, nn.Linear) and output.weight.dtype != torch.float32:
            output.register_forward_hook(self._in_float32)

    def forward(self, asked: Asked) -> Float[Tensor, "question"]:
        """Log-odds, with gradients."""
        return self._odds(logits_at_once(self.model, asked.text, self._questions(asked)))

    def probabilities(self, asked: Asked, chunk: int = CHUNK) -> npt.NDArray[np.float32]:
        """One a question; the text is read once. Raises InputError where text and question exceed the limit."""
        if not len(asked.questions):
            return np.zeros(0, dtype=np.float32)
        logits = logits_after(self.model, asked.text, self._questions(asked), chunk)
        return torch.sigmoid(self._odds(logits)).cpu().numpy()

    def _questions(self, asked: Asked) -> list[Tokens]:
        questions: list[Tokens] = [(*question, *self.answers.shared) for question in asked.questions]
        longest = len(asked.text) + max(map(len, questions), default=0)
        if self.limit is not None and longest > self.limit:
            raise InputError(
                f"A question and its text have {longest} tokens, the language model reads {self.limit}; set "
                "max_tokens so that the note leaves room for the questions."
            )
        return questions

    def _in_float32(self, output: nn.Linear, given: tuple[Tensor, ...], logits: Tensor) -> Tensor:
        """The logits of the two answers anew, before the model caps or scales them: their difference is small beside
        them, and of half precision hardly anything would be left."""
        two = [self.answers.yes, self.answers.no]
        bias = None if output.bias is None else output.bias[two].float()
        logits = logits.float()
        logits[..., two] = linear(given[0].float(), output.weight[two].float(), bias)
        return logits

    def _odds(self, logits: Float[Tensor, "question word"]) -> Float[Tensor, "question"]:
        two = logits[:, [self.answers.yes, self.answers.no]].float()
        return two[:, 0] - two[:, 1]


def train_yes_no(
    model: YesNoModel,
    epochs: Iterator[Sequence[Asked]],
    *,
    count: int,
    learning_rate: float,
    together: int,
    course: Course = UNWATCHED,
) -> list[float]:
    """`count` epochs; a step takes `together` texts. Returns each epoch's mean loss of a question. Raises InputError
    where the loss is no longer a number."""

    def loss(asked: Asked) -> Float[Tensor, ""]:
        odds = model(asked)
        targets = torch.tensor(list(asked.targets), device=odds.device)
        return binary_cross_entropy_with_logits(odds, targets, reduction="sum")

    return fine_tune(
        model,
        epochs,
        loss,
        lambda part: sum(len(asked.questions) for asked in part),
        count=count,
        learning_rate=learning_rate,
        weight_decay=0.0,
        together=together,
        course=course,
    )
