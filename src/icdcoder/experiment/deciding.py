"""Decide: choose the threshold on the validation part, and pack the coder folder that `code` loads."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from icdcoder.coder import CARD, FORMAT
from icdcoder.core import components
from icdcoder.core.artefact import manifest, save_card
from icdcoder.core.cache import atomic_folder
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.progress import SILENT, Progress
from icdcoder.core.version import VERSION
from icdcoder.decide.threshold import Threshold, choose
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import require_prepared
from icdcoder.experiment.prepared import Prepared
from icdcoder.experiment.training import BEST, scoring_batch, tokenised, trained_model
from icdcoder.nn.scoring import probabilities

FILES = ("model.safetensors", "space.json", "vocabulary.txt")


def decide(experiment: Experiment, *, progress: Progress = SILENT) -> Threshold:
    """Chooses the threshold and writes `experiment.coder`; both are made anew each time, as both are quick."""
    prepared = require_prepared(experiment)
    model = trained_model(experiment, prepared)
    notes = tokenised(prepared, "validation")
    scores = probabilities(model, notes, batch_size=scoring_batch(experiment), progress=progress)
    gold = prepared.gold(prepared.split("validation"))
    threshold = choose(gold, scores, metric=experiment.decide.metric, split="validation")
    with atomic_folder(experiment.coder, replace=True) as work:
        _pack(work, experiment, prepared, threshold)
    return threshold


def _pack(folder: Path, experiment: Experiment, prepared: Prepared, threshold: Threshold) -> None:
    shutil.copyfile(experiment.run / BEST, folder / "model.safetensors")
    prepared.space.save(folder / "space.json")
    prepared.vocabulary.save(folder / "vocabulary.txt")
    descriptions, edition = _described(prepared.space)
    card: dict[str, Any] = {
        "format": FORMAT,
        "name": experiment.name,
        "version": VERSION,
        "predictor": "neural",
        "model": experiment.tables("model")["model"],
        "text": {"rule": "words", **experiment.tables("text")["text"]},
        "explain": experiment.tables("explain")["explain"],
        "threshold": threshold.to_json(),
        "systems": list(prepared.space.systems),
        "edition": edition,
        "trained_on": {**prepared.card["corpus"], **prepared.card["counts"]},
        "seed": experiment.seed,
        "descriptions": descriptions,
        "files": manifest(folder, FILES),
    }
    save_card(folder / CARD, card)


def _described(space: LabelSpace) -> tuple[dict[str, str], str]:
    """Descriptions of the space's codes (codes of another edition have none), and the editions they are from."""
    systems = {name: components.load("systems", name).load() for name in space.systems}
    found = {}
    for code in space:
        if code in systems[code.system]:
            found[str(code)] = systems[code.system].description(code)
    return found, "+".join(systems[name].edition for name in space.systems)
