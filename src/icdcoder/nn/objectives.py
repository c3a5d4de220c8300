"""What a language model learns from plain text: the next token, hidden tokens, or hidden spans.

Each objective takes blocks of tokens and a model of Hugging Face, and gives the loss of every token that was to be
predicted. What is hidden is drawn on the CPU, so that a seed means the same on every device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Predicted:
    """losses: −log p of each token that was to be predicted, in nats. tokens: which it was."""

    losses: Float[Tensor, "predicted"]
    tokens: Int[Tensor, "predicted"]


Objective = Callable[
    [nn.Module, Int[Tensor, "note token"], Bool[Tensor, "note token"], torch.Generator | None], Predicted
]


@dataclass(frozen=True, slots=True)
class Causal:
    """Each token but the first of a block, from those before it."""

    def __call__(
        self,
        model: nn.Module,
        tokens: Int[Tensor, "note token"],
        mask: Bool[Tensor, "note token"],
        generator: torch.Generator | None = None,
    ) -> Predicted:
        logits = model(input_ids=tokens, attention_mask=mask.long()).logits[:, :-1]
        return _predicted(logits, tokens[:, 1:].masked_fill(~mask[:, 1:], IGNORED))


@dataclass(frozen=True, slots=True)
class Masked:
    """Some tokens of a block, from all others (Devlin et al. 2019, BERT, arXiv 1810.04805, section 3.1).

    share of the tokens are to be predicted; of these 80 % are replaced by the mask, 10 % by any token, and 10 % stay.
    before, after: special tokens around a block. first: the lowest token that is not special.
    """

    mask_token: int
    before: Sequence[int]
    after: Sequence[int]
    first: int
    size: int
    share: float = 0.15

    def __call__(
        self,
        model: nn.Module,
        tokens: Int[Tensor, "note token"],
        mask: Bool[Tensor, "note token"],
        generator: torch.Generator | None = None,
    ) -> Predicted:
        drawn = torch.rand(tokens.shape, generator=generator).to(tokens.device)
        kind = torch.rand(tokens.shape, generator=generator).to(tokens.device)
        other = torch.randint(self.first, self.size, tokens.shape, generator=generator).to(tokens.device)
        chosen = (drawn < self.share) & mask & (tokens >= self.first)
        if not chosen.any():  # a block of a few tokens: something must be predicted
            chosen[:, 0] = mask[:, 0]
        seen = tokens.masked_fill(chosen & (kind < 0.8), self.mask_token)
        seen = torch.where(chosen & (kind >= 0.9), other, seen)
        ids, real = _enclosed(seen, mask, self.before, self.after)
        logits = model(input_ids=ids, attention_mask=real.long()).logits
        start = len(self.before)
        return _predicted(logits[:, start : start + tokens.shape[1]], tokens.masked_fill(~chosen, IGNORED))


@dataclass(frozen=True, slots=True)
class SpanCorruption:
    """Spans of a block, from what is left of it (Raffel et al. 2020, T5, arXiv 1910.10683, section 3.1.4).

    share of the tokens are hidden, in spans of `span` tokens in the mean; each is replaced by a sentinel, and the
    target is every sentinel with what it hides, then one sentinel more and the end.
    """

    sentinels: Sequence[int]
    end: int
    pad: int
    share: float = 0.15
    span: float = 3.0

    def __call__(
        self,
        model: Any,
        tokens: Int[Tensor, "note token"],
        mask: Bool[Tensor, "note token"],
        generator: torch.Generator | None = None,
    ) -> Predicted:
        rows = [self.corrupt(row[real].tolist(), generator) for row, real in zip(tokens.cpu(), mask.cpu(), strict=True)]
        ids = _padded([seen for seen, _ in rows], self.pad).to(tokens.device)
        targets = _padded([target for _, target in rows], IGNORED).to(tokens.device)
        shifted = nn.functional.pad(targets[:, :-1], (1, 0), value=self.pad)
        shifted = shifted.masked_fill(shifted == IGNORED, self.pad)
        lengths = torch.tensor([len(seen) for seen, _ in rows], device=tokens.device)
        real = torch.arange(ids.shape[1], device=tokens.device) < lengths[:, None]
        logits = model(input_ids=ids, attention_mask=real.long(), decoder_input_ids=shifted).logits
        return _predicted(logits, targets)

    def corrupt(self, tokens: list[int], generator: torch.Generator | None = None) -> tuple[list[int], list[int]]:
        """(what the encoder reads, what the decoder writes)."""
        length = len(tokens)
        if length < 2:
            return [*tokens, self.end], [self.sentinels[0], self.end]
        hidden = min(max(1, round(length * self.share)), length - 1)
        spans = min(max(1, round(hidden / self.span)), hidden, length - hidden, len(self.sentinels) - 1)
        kept_lengths = _parts(length - hidden, spans, generator)
        hidden_lengths = _parts(hidden, spans, generator)
        seen: list[int] = []
        target: list[int] = []
        at = 0
        for sentinel, kept, gone in zip(self.sentinels, kept_lengths, hidden_lengths, strict=False):
            seen += [*tokens[at : at + kept], sentinel]
            target += [sentinel, *tokens[at + kept : at + kept + gone]]
            at += kept + gone
        return [*seen, self.end], [*target, self.sentinels[spans], self.end]


def _enclosed(
    tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"], before: Sequence[int], after: Sequence[int]
) -> tuple[Int[Tensor, "note position"], Bool[Tensor, "note position"]]:
    """Blocks between special tokens; those after a block follow its last token at once."""
    rows, count = len(tokens), mask.sum(1, keepdim=True)
    ids = nn.functional.pad(tokens * mask, (len(before), len(after)))
    ids[:, : len(before)] = torch.tensor(list(before), device=ids.device)
    end = len(before) + count
    ids.scatter_(
        1, end + torch.arange(len(after), device=ids.device), torch.tensor([list(after)] * rows, device=ids.device)
    )
    return ids, torch.arange(ids.shape[1], device=ids.device) < end + len(after)


def _parts(total: int, count: int, generator: torch.Generator | None) -> list[int]:
    """`total` as `count` whole numbers of at least 1, each way equally likely."""
    cuts = (torch.randperm(total - 1, generator=generator)[: count - 1] + 1).sort().values.tolist()
    return [after - before for before, after in zip([0, *cuts], [*cuts, total], strict=True)]


def _padded(rows: Sequence[list[int]], fill: int) -> Int[Tensor, "note token"]:
    found = torch.full((len(rows), max(len(row) for row in rows)), fill, dtype=torch.long)
    for i, row in enumerate(rows):
        found[i, : len(row)] = torch.tensor(row)
    return found


def _predicted(logits: Float[Tensor, "note token word"], targets: Int[Tensor, "note token"]) -> Predicted:
    chosen = targets != IGNORED
    wanted = targets[chosen]
    return Predicted(nn.functional.cross_entropy(logits[chosen].float(), wanted, reduction="none"), wanted)
