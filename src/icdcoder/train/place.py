"""Where a run is, and what it has come to: the part of a checkpoint that is neither weights nor random states."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from icdcoder.train.config import TrainConfig
from icdcoder.train.meter import Meter
from icdcoder.train.stopping import Best


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """best_epoch: the one whose weights are kept, from 1. best_score: the monitored measure after it. stopped_because:
    a sentence without its stop."""

    best_epoch: int
    best_score: float
    monitor: str
    epochs_run: int
    steps: int
    stopped_because: str


@dataclass(slots=True)
class Place:
    """epoch: the one in progress, from 1. step: steps made in all. ended: why it ended, empty while it goes on."""

    best: Best
    epoch: int = 1
    step: int = 0
    step_in_epoch: int = 0
    epoch_meter: Meter = field(default_factory=Meter)
    interval_meter: Meter = field(default_factory=Meter)
    ended: str = ""

    def end_epoch(self, config: TrainConfig) -> None:
        """Moves on to the next epoch, or ends the run."""
        if self.epoch == config.epochs:
            self.ended = f"All {config.epochs} epochs are done"
        elif config.patience and self.best.waited >= config.patience:
            moved = "risen" if config.monitor_mode == "max" else "fallen"
            self.ended = f"{config.monitor} has not {moved} for {config.patience} epochs"
        self.epoch += 1
        self.step_in_epoch = 0
        self.epoch_meter = Meter()

    def result(self, monitor: str) -> TrainingResult:
        assert self.best.score is not None, "no epoch has ended"
        return TrainingResult(
            best_epoch=self.best.epoch,
            best_score=self.best.score,
            monitor=monitor,
            epochs_run=self.epoch - 1,
            steps=self.step,
            stopped_because=self.ended,
        )

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        if self.best.score is not None and math.isnan(self.best.score):
            data["best"]["score"] = "nan"  # JSON has none
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Place:
        best = dict(data["best"])
        if best["score"] == "nan":
            best["score"] = math.nan
        meters = {name: Meter(**data[name]) for name in ("epoch_meter", "interval_meter")}
        return cls(**{**data, **meters, "best": Best(**best)})
