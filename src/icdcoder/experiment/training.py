"""Train: prepared → run. The best weights by the monitored validation measure are kept; a killed run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from icdcoder.core import components
from icdcoder.core.cache import write_atomic
from icdcoder.core.document import SPLITS, Split
from icdcoder.core.errors import ArtefactError, ConfigError, IcdcoderError
from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import TABLES, require_prepared
from icdcoder.experiment.prepared import Prepared
from icdcoder.knowledge.word_vectors import word_vectors
from icdcoder.measure.coding import validation_measures
from icdcoder.models import linear
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import PAD, ModelContext, channels_of
from icdcoder.nn.pretrained.frozen_states import ComputesBeforeTraining
from icdcoder.nn.pretrained.token_encoder import require_short, weights
from icdcoder.nn.scoring import answer_losses, probabilities
from icdcoder.text.channels import compute
from icdcoder.text.reader import Ids
from icdcoder.text.readers.words import WordReader
from icdcoder.train.loop import TrainingResult, train

CONFIG = "config.toml"
BEST = "best.safetensors"


def train_model(experiment: Experiment, *, fresh: bool = False, progress: Progress = SILENT) -> TrainingResult:
    """Trains, or goes on where an earlier run with the same settings stopped, or returns what it ended with."""
    experiment.require_model()
    prepared = require_prepared(experiment)
    run = experiment.run
    if fresh:
        import shutil

        shutil.rmtree(run, ignore_errors=True)
    claim(run, experiment)
    if experiment.staged:
        from icdcoder.experiment import concept_training

        return concept_training.train(experiment, prepared, progress)
    model = build_model(experiment, prepared)
    notes = tokenised(prepared, "train", channels_of(model))
    validation_indices = prepared.split("validation")
    validation = tokenised(prepared, "validation", channels_of(model))
    gold = prepared.gold(validation_indices)
    require_short(model, max([*notes.lengths, *validation.lengths], default=0))

    def validate(module: nn.Module, epoch: int) -> dict[str, float]:
        losses = answer_losses(module, validation, scoring_batch(experiment))
        if experiment.train is not None and experiment.train.monitor in losses:
            return losses  # writing the answers of all validation notes would take long
        scores = probabilities(module, validation, batch_size=scoring_batch(experiment))
        return {**validation_measures(gold, scores), **losses}

    if isinstance(model, ComputesBeforeTraining):
        model.before_training([notes, validation], progress)
    assert experiment.train is not None
    if isinstance(experiment.model, linear.Config) and experiment.model.fit != "gradient":
        assert isinstance(model, linear.Linear)
        from icdcoder.experiment.linear_fit import fit

        config, seed = experiment.model, experiment.seed
        return fit(model, notes, validate, config, experiment.train.monitor, run / BEST, seed=seed, progress=progress)
    counted = weights(model)
    with progress.track("Weights", counted["all"]) as step:
        step(counted["all"], f"{counted['trained'] / max(1, counted['all']):.2%} of them trained")
    ids = [prepared.ids[i] for i in prepared.split("train")]
    return train(model, notes, validate, experiment.train, run, ids=ids, progress=progress)


def build_model(experiment: Experiment, prepared: Prepared) -> nn.Module:
    """The model with fresh weights; the same seed gives the same weights. Raises MissingExtraError."""
    module = components.load("models", experiment.model_kind)
    torch.manual_seed(experiment.seed)
    training = prepared.split("train")

    def word_notes() -> npt.NDArray[np.int64]:
        found = np.zeros(prepared.reader.size, dtype=np.int64)
        for i in training:
            found[np.unique(prepared.tokens[i])] += 1
        found[PAD] = len(training)
        return found

    context = ModelContext(
        vocabulary_size=prepared.reader.size,
        space=prepared.space,
        encode=prepared.reader.encode,
        words=prepared.reader.vocabulary.words if isinstance(prepared.reader, WordReader) else None,
        code_notes=prepared.counts(training).tolist(),
        word_notes=word_notes,
        word_vectors=_word_vectors(experiment, prepared),
    )
    return module.build(experiment.model, context)


def _word_vectors(experiment: Experiment, prepared: Prepared) -> torch.Tensor | None:
    """As [words] asks for, of the model's width; None where the model draws its own. Raises ConfigError."""
    if experiment.words.kind == "random":
        return None
    width = getattr(experiment.model, "embedding", None)
    if not isinstance(prepared.reader, WordReader) or width is None:
        raise ConfigError(f"[words] trains vectors of words, and {experiment.model_kind} does not start from words.")
    parts: tuple[Split, ...] = SPLITS if experiment.words.parts == "all" else ("train",)
    notes = [prepared.tokens[i] for part in parts for i in prepared.split(part)]
    return torch.from_numpy(word_vectors(notes, prepared.reader.size, width, experiment.words, seed=experiment.seed))


def trained_model(experiment: Experiment, prepared: Prepared) -> nn.Module:
    """The best weights of the run, on the accelerator if there is one. Raises ArtefactError where there are none."""
    from safetensors.torch import load_file

    from icdcoder.nn.placement import to_accelerator

    path = experiment.run / BEST
    if not path.exists():
        raise ArtefactError(f"{experiment.run} has no trained weights yet; make them with: icdcoder train CONFIG")
    module = components.load("models", experiment.model_kind)
    model = module.build(experiment.model, ModelContext(prepared.reader.size, prepared.space))
    model.load_state_dict(load_file(path))
    return to_accelerator(model.eval())


def tokenised(prepared: Prepared, split: Split, channels: Sequence[str] = ()) -> TokenisedNotes:
    """The notes of one split for a network, with the channels that it needs, which are read from the text anew."""
    indices = prepared.split(split)
    found: dict[str, list[Ids]] = {name: [] for name in channels}
    for i in indices if channels else ():
        text = prepared.documents[i].joined().text
        for name, values in compute(channels, text, prepared.read(text).offsets).items():
            found[name].append(values)
    return TokenisedNotes(
        [prepared.tokens[i] for i in indices],
        codes=len(prepared.space),
        gold=[prepared.codes[i] for i in indices],
        channels=found,
    )


def scoring_batch(experiment: Experiment) -> int:
    """Notes scored together: more than are trained together, as no gradient is kept."""
    assert experiment.train is not None
    return max(8, experiment.train.batch_size)


def claim(run: Path, experiment: Experiment) -> None:
    """Writes the resolved configuration, or refuses a run folder that other settings made."""
    path = run / CONFIG
    if path.exists():
        changed = changed_tables(run, experiment)
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


def changed_tables(run: Path, experiment: Experiment, *more: str) -> list[str]:
    """The tables of the configuration in which a run that was trained differs from this experiment: of those that
    training depends on, and of `more`. A setting that was not known yet when the run was made stands at its default,
    or at what the model says of earlier runs."""
    from icdcoder.core.config import read_toml

    tables = (*TABLES, "words", "model", "train", "seed", *more)
    old: dict[str, Any] = read_toml(run / CONFIG)
    new = experiment.tables(*tables)
    if not experiment.staged and old.get("model", {}).get("kind") == experiment.model_kind:
        earlier = getattr(components.load("models", experiment.model_kind), "EARLIER", {})
        with suppress(IcdcoderError):  # of settings that are no longer known
            old = Experiment.resolve({**old, "model": {**earlier, **old["model"]}}).tables(*tables)
    return [t for t in tables if (old.get(t) or None) != (new[t] or None)]
