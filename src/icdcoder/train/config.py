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

    The rest is how some authors' code trains, and of use to repeat their figures (docs/parity.md):
    keep: "last" keeps the weights of the last epoch in place of the best; no epoch is chosen, and patience counts none.
        CAML's runs for 50 codes do so, as they watch a measure that 50 codes do not have; so do TransICD and PLM-ICD.
    whole_batches: the last notes of the training part, those too few for a batch, are never trained on (TransICD).
    first_batch_alone: with accumulation, the first step of an epoch is made after its first batch, and each batch
        counts as its share of a full step, also where a step has fewer (PLM-ICD).
    schedule_over: "batches" makes the schedule as long as there are batches; with accumulation these are more than
        steps, and the learning rate ends far above 0 (MSMN).
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
    keep: Literal["best", "last"] = "best"
    whole_batches: bool = False
    first_batch_alone: bool = False
    schedule_over: Literal["steps", "batches"] = "steps"
    seed: int = Field(default=0, ge=0)
    log_every_steps: int = Field(default=100, ge=1)
    checkpoint_every_steps: int = Field(default=500, ge=1)
    keep_checkpoints: int = Field(default=2, ge=1)
