"""What a model adds to the loss (Scores.penalty) is part of what training minimises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import Batch, Scores
from icdcoder.train.config import TrainConfig
from icdcoder.train.loop import train


class Penalised(nn.Module):
    """Its logits are always 0; only the penalty has a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([3.0]))

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        logits = torch.zeros(len(batch.tokens), 1)
        penalty = self.weight.square().sum() if self.training and batch.targets is not None else None
        return Scores(logits, penalty=penalty)


def test_training_lowers_the_penalty(tmp_path: Path) -> None:
    rows = [np.array([2, 3], dtype=np.int32)] * 8
    notes = TokenisedNotes(rows, codes=1, gold=[np.array([0], dtype=np.int32)] * 8)
    model = Penalised()
    config = TrainConfig(epochs=5, batch_size=4, gradient_accumulation=2, learning_rate=0.1, monitor="m", patience=0)
    train(model, notes, lambda module, epoch: {"m": float(epoch)}, config, tmp_path, cpu=True)
    assert model.weight.item() < 2.6
