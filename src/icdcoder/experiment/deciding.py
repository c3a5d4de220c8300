"""Decide: choose the threshold on the validation part, and pack the coder folder that `code` loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from icdcoder.coder import CARD, FORMAT
from icdcoder.core.artefact import manifest, save_card
from icdcoder.core.cache import atomic_folder
from icdcoder.core.errors import ConfigError
from icdcoder.core.progress import SILENT, Progress
from icdcoder.core.version import VERSION
from icdcoder.decide.threshold import Threshold, decided
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.described import described
from icdcoder.experiment.prepare import require_prepared
from icdcoder.experiment.prepared import Prepared
from icdcoder.experiment.training import scoring_batch, tokenised, trained_model
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import channels_of
from icdcoder.nn.pretrained.token_encoder import self_contained, weights, whole_state
from icdcoder.nn.scoring import probabilities
from icdcoder.text.samplers import NO_CODER

FILES = ("model.safetensors", "space.json")
# Settings of [text] that name files of the user.
USERS = ("checkpoint", "sampler_knowledge")
# Kinds of models that write codes; what they write has to be read, and may count or not.
WRITERS = ("generative_coder",)


def decide(experiment: Experiment, *, progress: Progress = SILENT) -> Threshold:
    """Chooses the threshold and writes `experiment.coder`; both are made anew each time, as both are quick.

    Raises ConfigError where an oracle reads the notes.
    """
    if experiment.oracle:
        raise ConfigError(f"{NO_CODER} Measure it with: icdcoder evaluate CONFIG")
    prepared = require_prepared(experiment)
    if experiment.staged:
        from icdcoder.experiment import concept_training

        return concept_training.decide(experiment, prepared, progress)
    model = trained_model(experiment, prepared)
    notes = tokenised(prepared, "validation", channels_of(model))
    scores, answers = validation_scores(experiment, prepared, model, notes, progress)
    gold = prepared.gold(prepared.split("validation"))
    asked = experiment.decide
    threshold = decided(gold, scores, metric=asked.metric, given=asked.threshold)
    with atomic_folder(experiment.coder, replace=True) as work:
        explainer = experiment.explain.kind or _explainer(model, notes)
        _pack(work, experiment, prepared, threshold, model, explainer, answers)
    return threshold


def validation_scores(
    experiment: Experiment, prepared: Prepared, model: nn.Module, notes: TokenisedNotes, progress: Progress
) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
    """(probabilities "note code", what the card says beside that of every model)."""
    if experiment.model_kind in WRITERS:
        from icdcoder.experiment.answer_rule import answered

        return answered(experiment, prepared, model, notes, scoring_batch(experiment), progress)
    return probabilities(model, notes, batch_size=scoring_batch(experiment), progress=progress), {}


def _explainer(model: nn.Module, notes: TokenisedNotes) -> str:
    """Attention where the model gives it: one note is enough to see."""
    import torch

    from icdcoder.nn.placement import device_of

    device = device_of(model)
    with torch.inference_mode():
        batch = notes.batch([int(np.argmin(notes.lengths))]).to(device)
        scores = model(batch, attention_codes=torch.tensor([0], device=device))
    return "occlusion" if scores.attention is None else "attention"


def _pack(
    folder: Path,
    experiment: Experiment,
    prepared: Prepared,
    threshold: Threshold,
    model: nn.Module,
    explainer: str,
    more: dict[str, Any],
) -> None:
    from safetensors.torch import save_file

    save_file(whole_state(model), folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)  # safetensors writes for the owner alone
    prepared.space.save(folder / "space.json")
    prepared.reader.save(folder)
    prepared.sampler.save(folder)
    descriptions, edition = described(prepared.space)
    card: dict[str, Any] = {
        "format": FORMAT,
        "name": experiment.name,
        "version": VERSION,
        "predictor": "neural",
        "model": self_contained(experiment.tables("model")["model"], model),
        "weights": weights(model),
        **more,
        # The folder holds the reader's and the sampler's files itself.
        "text": {key: value for key, value in experiment.tables("text")["text"].items() if key not in USERS},
        "explain": {**experiment.tables("explain")["explain"], "kind": explainer},
        "threshold": threshold.to_json(),
        "systems": list(prepared.space.systems),
        "edition": edition,
        "trained_on": {**prepared.card["corpus"], **prepared.card["counts"]},
        "seed": experiment.seed,
        "descriptions": descriptions,
        "files": manifest(folder, (*FILES, *prepared.reader.files, *prepared.sampler.files)),
    }
    save_card(folder / CARD, card)
