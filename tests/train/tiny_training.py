"""A model and notes so small that whole trainings fit into a test; as a script, one training in its own process."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import Batch, Scores
from icdcoder.nn.scoring import probabilities
from icdcoder.train.loop import TrainConfig, TrainingResult, train

WORDS, CODES = 40, 6


class MeanPool(nn.Module):
    """Embedding, mean over real tokens, linear; dropout and batch normalisation where asked for."""

    def __init__(self, *, width: int = 8, dropout: float = 0.3, normalise: bool = False) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, width, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.BatchNorm1d(width) if normalise else nn.Identity()
        self.codes = nn.Linear(width, CODES)

    def forward(self, batch: Batch, *, attention_codes: Tensor | None = None) -> Scores:
        mask = batch.mask.unsqueeze(-1)
        states = self.dropout(self.embedding(batch.tokens)) * mask
        pooled = states.sum(1) / mask.sum(1).clamp(min=1)
        return Scores(self.codes(self.norm(pooled)))


def model(seed: int = 7, **options: Any) -> MeanPool:
    torch.manual_seed(seed)
    return MeanPool(**options)


def notes(count: int = 58, seed: int = 3, gold: bool = True) -> TokenisedNotes:
    """Code c belongs to a note where word c + 2 is in it."""
    rng = np.random.default_rng(seed)
    tokens = [rng.integers(2, WORDS, size=rng.integers(1, 30)).astype(np.int32) for _ in range(count)]
    codes = [np.array([c for c in range(CODES) if c + 2 in row], dtype=np.int32) for row in tokens]
    return TokenisedNotes(tokens, codes=CODES, gold=codes if gold else None)


def validate(module: nn.Module, epoch: int) -> dict[str, float]:
    """Draws random numbers on purpose: validation must leave no trace."""
    torch.rand(3)
    np.random.rand(2)
    held_out = notes(40, seed=11)
    scores = probabilities(module, held_out, batch_size=16, across_processes=True)
    gold = np.zeros_like(scores)
    for row, codes in enumerate(held_out.gold or ()):
        gold[row, codes] = 1.0
    clipped = np.clip(scores, 1e-7, 1 - 1e-7)
    loss = float(-np.mean(gold * np.log(clipped) + (1 - gold) * np.log(1 - clipped)))
    return {"loss": loss, "accuracy": float(np.mean((scores > 0.5) == gold)), "seen": float(epoch)}


def config(**changes: Any) -> TrainConfig:
    settings: dict[str, Any] = {
        "epochs": 3,
        "batch_size": 8,
        "learning_rate": 0.02,
        "monitor": "accuracy",
        "checkpoint_every_steps": 3,
        "log_every_steps": 5,
        "seed": 5,
    }
    return TrainConfig(**{**settings, **changes})


def digest(module: nn.Module) -> str:
    sha = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        sha.update(name.encode())
        sha.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()


def run(folder: Path, *, options: dict[str, Any] | None = None, **changes: Any) -> tuple[TrainingResult, MeanPool]:
    module = model(**(options or {}))
    return train(module, notes(), validate, config(**changes), folder, cpu=True), module


def main() -> None:
    """tiny_training.py FOLDER JSON: trains; the main process prints a JSON line with the weights."""
    asked = json.loads(sys.argv[2])
    result, module = run(Path(sys.argv[1]), options=asked["model"], **asked["train"])
    from accelerate import PartialState

    if PartialState().is_main_process:
        weights = {name: tensor.tolist() for name, tensor in module.state_dict().items()}
        print(json.dumps({"steps": result.steps, "score": result.best_score, "weights": weights}))
    if PartialState().use_distributed:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
