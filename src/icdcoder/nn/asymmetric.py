"""The asymmetric loss, which makes less of codes that a note does not have and that are easily told."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from icdcoder.nn.contract import Batch, Scores
from icdcoder.nn.losses import binary_cross_entropy


def asymmetric_loss(
    logits: Float[Tensor, "note code"],
    targets: Float[Tensor, "note code"],
    *,
    positive_focus: float = 0.0,
    negative_focus: float = 4.0,
    margin: float = 0.05,
) -> Float[Tensor, ""]:
    """Mean over notes × codes of −y (1 − p)^γ₊ log p − (1 − y) q^γ₋ log(1 − q), with p = σ(logit), q = max(p − m, 0).

    Ridnik et al. 2021 (arXiv 2009.14119), equation 7, whose γ₊ (positive_focus), γ₋ (negative_focus) and m (margin)
    these are. A code without gold and with a probability below the margin costs nothing.
    """
    logits = logits.float()
    chance = torch.sigmoid(logits)
    shifted = (chance - margin).clamp(min=0)
    positive = (1 - chance) ** positive_focus * logsigmoid(logits)
    negative = shifted**negative_focus * torch.log1p(-shifted.clamp(max=1 - 1e-7))
    return -(targets * positive + (1 - targets) * negative).mean()


def asymmetric_penalty(logits: Float[Tensor, "note code"], batch: Batch) -> Float[Tensor, ""] | None:
    """What turns the binary cross-entropy of the training loop into the asymmetric loss; None without gold."""
    if batch.targets is None:
        return None
    return asymmetric_loss(logits, batch.targets) - binary_cross_entropy(Scores(logits), batch)
