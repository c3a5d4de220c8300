"""The settings of training. No torch here, so that a configuration can be read without it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from icdcoder.core.config import Settings


class TrainConfig(Settings):
    """How a model is trained. A *step* is one update of the weights; an *epoch* sees each training note once.

    batch_size: notes that are computed together, over all processes. gradient_accumulation: batches a step.
    optimiser: "adam" takes weight_decay as an L2 penalty in the gradient, "adamw" decouples it (Loshchilov &
        Hutter 2019). Biases and normalisation weights never decay.
    schedule: the learning rate rises over warmup_steps, then stays, or falls to 0 at the last step.
    gradient_clip: greatest norm of the gradient; not set: no clipping.
    monitor: the validation measure that decides which epoch's weights are the best; monitor_mode: whether the
        greatest ("max") or the smallest ("min") is. patience: stop after so many epochs without a better one;
        0: never.
    precision: "bf16" and "fp16" compute in mixed precision; weights stay float32.
    """

    epochs: int = Field(default=50, ge=1)
    batch_size: int = Field(default=16, ge=1)
    gradient_accumulation: int = Field(default=1, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    optimiser: Literal["adam", "adamw"] = "adam"
    weight_decay: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    adam_epsilon: float = Field(default=1e-8, gt=0, allow_inf_nan=False)
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warmup_steps: int = Field(default=0, ge=0)
    gradient_clip: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    monitor: str = "micro_f1_at_best_threshold"
    monitor_mode: Literal["max", "min"] = "max"
    patience: int = Field(default=10, ge=0)
    precision: Literal["no", "bf16", "fp16"] = "no"
    seed: int = Field(default=0, ge=0)
    log_every_steps: int = Field(default=100, ge=1)
    checkpoint_every_steps: int = Field(default=500, ge=1)
    keep_checkpoints: int = Field(default=2, ge=1)
