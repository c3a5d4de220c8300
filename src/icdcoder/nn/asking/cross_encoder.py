"""A pretrained encoder that reads a window of a note and a question together, and gives one logit.

    logit = w · mean over tokens of the states of  [CLS] window [SEP] question [SEP]  + b

Of a long note, the windows' logits are pooled: their maximum (one place is enough) or their mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from icdcoder.core.errors import ConfigError
from icdcoder.nn.pretrained.loading import Pretrained

Tokens = Sequence[int]
Pooling = Literal["max", "mean"]
# Pairs of a window and a question that are read together when nothing is trained.
PAIRS = 64


class CrossEncoder(nn.Module):
    """window: tokens of a note that are read with a question; overlap: that two windows share. Raises ConfigError
    where window and question do not fit into the model."""

    def __init__(self, pretrained: Pretrained, window: int, overlap: int, pooling: Pooling, question: int) -> None:
        super().__init__()
        self.model = pretrained.model
        self.prefix, self.suffix = list(pretrained.prefix), list(pretrained.suffix)
        self.window, self.overlap, self.pooling = window, overlap, pooling
        self.pad: int = self.model.config.pad_token_id or 0
        self.types: bool = (getattr(self.model.config, "type_vocab_size", None) or 0) > 1
        self.output = nn.Linear(self.model.config.hidden_size, 1)
        longest = len(self.prefix) + window + len(self.suffix) + question + len(self.suffix)
        if pretrained.limit is not None and longest > pretrained.limit:
            raise ConfigError(
                f"A window of {window} tokens and a concept of {question} are {longest} with the special tokens; the "
                f"encoder reads {pretrained.limit}. Set window lower."
            )
        if not 0 <= overlap < window:
            raise ConfigError(f"Windows of {window} tokens cannot share {overlap}.")

    def windows(self, note: Tokens) -> list[Tokens]:
        """Every token is in one window at least; an empty note has none."""
        step = self.window - self.overlap
        starts = range(0, max(1, len(note) - self.overlap), step) if len(note) else ()
        return [note[start : start + self.window] for start in starts]

    def forward(self, note: Tokens, questions: Sequence[Tokens]) -> Float[Tensor, "question"]:
        """Logits. note: not empty."""
        windows = self.windows(note)
        pairs = [(window, question) for question in questions for window in windows]
        size = len(pairs) if self.training else PAIRS
        parts = [self._read(pairs[start : start + size]) for start in range(0, len(pairs), size)]
        logits = torch.cat(parts).reshape(len(questions), len(windows))
        return logits.amax(1) if self.pooling == "max" else logits.mean(1)

    def _read(self, pairs: Sequence[tuple[Tokens, Tokens]]) -> Float[Tensor, "pair"]:
        tokens, types, mask = self._batch(pairs)
        more = {"token_type_ids": types} if self.types else {}
        states = self.model(input_ids=tokens, attention_mask=mask, **more).last_hidden_state.float()
        shares = mask / mask.sum(1, keepdim=True)
        return self.output((shares[:, None] @ states).squeeze(1)).squeeze(1)

    def _batch(
        self, pairs: Sequence[tuple[Tokens, Tokens]]
    ) -> tuple[Int[Tensor, "pair token"], Int[Tensor, "pair token"], Int[Tensor, "pair token"]]:
        """Tokens, which text they are of (0 the note, 1 the question), and which are real."""
        device = self.output.weight.device
        first = [[*self.prefix, *window, *self.suffix] for window, _ in pairs]
        second = [[*question, *self.suffix] for _, question in pairs]
        width = max(len(a) + len(b) for a, b in zip(first, second, strict=True))
        tokens = torch.full((len(pairs), width), self.pad)
        types, mask = torch.zeros_like(tokens), torch.zeros_like(tokens)
        for row, (a, b) in enumerate(zip(first, second, strict=True)):
            end = len(a) + len(b)
            tokens[row, :end] = torch.tensor([*a, *b])
            types[row, len(a) : end] = 1
            mask[row, :end] = 1
        return tokens.to(device), types.to(device), mask.to(device)
