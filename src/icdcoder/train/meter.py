"""The mean loss and the speed over a stretch of training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Meter:
    """Sums over notes; seconds are those spent in training steps, not in validation or between two runs."""

    loss: float = 0.0
    notes: int = 0
    seconds: float = 0.0

    def add(self, mean_loss: float, notes: int) -> None:
        self.loss += mean_loss * notes
        self.notes += notes

    def numbers(self) -> dict[str, float]:
        """For a line of the journal."""
        return {"loss": self.mean_loss, "notes_per_second": round(self.notes_per_second, 2)}

    @property
    def mean_loss(self) -> float:
        return self.loss / max(1, self.notes)

    @property
    def notes_per_second(self) -> float:
        return self.notes / self.seconds if self.seconds > 0 else 0.0


def peak_memory_mb(device_type: str) -> float:
    """The most memory that this process has held: on the accelerator where it computes on one, else resident."""
    if device_type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated() / 2**20
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
