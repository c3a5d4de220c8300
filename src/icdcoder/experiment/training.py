"""Train: prepared → run. The best weights by the monitored validation measure are kept; a killed run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from icdcoder.core import components
from icdcoder.core.cache import write_atomic
from icdcoder.core.document import Split
from icdcoder.core.errors import ArtefactError
from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import TABLES, require_prepared
from icdcoder.experiment.prepared import Prepared
from icdcoder.measure.coding import validation_measures
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import ModelContext
from icdcoder.nn.scoring import probabilities
from icdcoder.train.loop import TrainingResult, train

CONFIG = "config.toml"
BEST = "best.safetensors"


def train_model(experiment: Experiment, *, fresh: bool = False, progress: Progress = SILENT) -> TrainingResult:
    """Trains, or goes on where an earlier run with the same settings stopped, or returns what it ended with."""
    prepared = require_prepared(experiment)
    run = experiment.run
    if fresh:
        import shutil

        shutil.rmtree(run, ignore_errors=True)
    _claim(run, experiment)
    model = build_model(experiment, prepared)
    notes = tokenised(prepared, "train")
    validation_indices = prepared.split("validation")
    validation = tokenised(prepared, "validation")
    gold = prepared.gold(validation_indices)

    def validate(module: nn.Module, epoch: int) -> dict[str, float]:
        scores = probabilities(module, validation, batch_size=scoring_batch(experiment))
        return validation_measures(gold, scores)

    assert experiment.train is not None
    ids = [prepared.documents[i].id for i in prepared.split("train")]
    return train(model, notes, validate, experiment.train, run, ids=ids, progress=progress)


def build_model(experiment: Experiment, prepared: Prepared) -> nn.Module:
    """The model with fresh weights; the same seed gives the same weights. Raises MissingExtraError."""
    module = components.load("models", experiment.model_kind)
    torch.manual_seed(experiment.seed)
    context = ModelContext(vocabulary_size=len(prepared.vocabulary), space=prepared.space)
    return module.build(experiment.model, context)


def trained_model(experiment: Experiment, prepared: Prepared) -> nn.Module:
    """The model with the best weights of the run. Raises ArtefactError where there are none."""
    from safetensors.torch import load_file

    path = experiment.run / BEST
    if not path.exists():
        raise ArtefactError(f"{experiment.run} has no trained weights yet; make them with: icdcoder train CONFIG")
    model = build_model(experiment, prepared)
    model.load_state_dict(load_file(path))
    return model.eval()


def tokenised(prepared: Prepared, split: Split) -> TokenisedNotes:
    indices = prepared.split(split)
    gold = prepared.gold(indices)
    return TokenisedNotes(
        [prepared.tokens[i] for i in indices],
        codes=len(prepared.space),
        gold=[np.flatnonzero(row).astype(np.int32) for row in gold],
    )


def scoring_batch(experiment: Experiment) -> int:
    """Notes scored together: more than are trained together, as no gradient is kept."""
    assert experiment.train is not None
    return max(8, experiment.train.batch_size)


def _claim(run: Path, experiment: Experiment) -> None:
    """Writes the resolved configuration, or refuses a run folder that other settings made."""
    tables = (*TABLES, "model", "train", "seed")
    path = run / CONFIG
    if path.exists():
        from icdcoder.core.config import read_toml

        old: dict[str, Any] = read_toml(path)
        new = experiment.tables(*tables)
        changed = [t for t in tables if old.get(t) != new[t]]
        if changed:
            raise ArtefactError(
                f"{run} was trained with other settings (in {', '.join(changed)}). "
                "Choose another name (--set name=…) or train anew with --fresh."
            )
        return
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(f"{run} cannot be written: {error.strerror}.") from None
    write_atomic(path, experiment.to_toml())
