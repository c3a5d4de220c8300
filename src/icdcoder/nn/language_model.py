"""A language model in the form that the training loop knows: its loss is the penalty of scores of no codes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import Batch, Scores
from icdcoder.nn.objectives import Objective, Predicted

# What is hidden for validation is the same at each validation, so that its losses can be compared.
VALIDATION_SEED = 20_260


class LanguageModel(nn.Module):
    """language_model: of Hugging Face, with a head for its objective."""

    def __init__(self, language_model: Any, objective: Objective) -> None:
        super().__init__()
        self.language_model = language_model
        self.objective = objective

    def forward(self, batch: Batch) -> Scores:
        """penalty: mean loss over the tokens of the batch that were to be predicted."""
        losses = self.predicted(batch).losses
        return Scores(losses.new_zeros(len(batch.tokens), 0), penalty=losses.mean())

    def predicted(self, batch: Batch, generator: torch.Generator | None = None) -> Predicted:
        return self.objective(self.language_model, batch.tokens, batch.mask, generator)


def penalty_alone(scores: Scores, batch: Batch) -> Float[Tensor, ""]:
    """The `loss` for the training loop, which adds the penalty itself."""
    return scores.logits.new_zeros(())


def unigram(counts: Int[Tensor, "word"]) -> Float[Tensor, "word"]:
    """−log p of each word by its count in the training text, one added to each: the loss of one that reads nothing."""
    smoothed = counts.double() + 1
    return (smoothed.sum().log() - smoothed.log()).float()


def measures(
    model: LanguageModel,
    blocks: TokenisedNotes,
    floor: Float[Tensor, "word"],
    special: Iterable[int],
    batch_size: int,
) -> dict[str, float]:
    """loss: nats a token of text, special tokens not counted; perplexity: its exponential; unigram_loss: of the model
    that knows frequencies only, on the same tokens. The model is left in the mode it was in."""
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(VALIDATION_SEED)
    apart = torch.tensor(sorted(special), device=device)
    was_training = model.training
    model.eval()
    total, unread, count = 0.0, 0.0, 0
    try:
        with torch.no_grad():
            for start in range(0, len(blocks), batch_size):
                found = model.predicted(
                    blocks.batch(range(start, min(start + batch_size, len(blocks)))).to(device), generator
                )
                text = ~torch.isin(found.tokens, apart)
                total += found.losses[text].double().sum().item()
                unread += floor.to(device)[found.tokens[text]].double().sum().item()
                count += int(text.sum())
    finally:
        model.train(was_training)
    loss = total / max(1, count)
    return {"loss": loss, "perplexity": math.exp(min(loss, 700.0)), "unigram_loss": unread / max(1, count)}
