"""Runs that differ only in the model share one prepared corpus instead of making it again, and those that differ only
in how they decide the trained model too."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from icdcoder.core.cache import atomic_folder, write_atomic
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import TABLES
from icdcoder.experiment.training import CONFIG, changed_tables


def share_prepared(experiment: Experiment) -> bool:
    """Links the prepared corpus of a run beside this one where the same settings made it; True where it did."""
    if experiment.prepared.exists():
        return False
    digest = experiment.digest(*TABLES)
    for card in sorted(experiment.folder.parent.glob("*/prepared/card.json")):
        if _made_with(card, digest):
            _link_all(card.parent, experiment.prepared)
            return True
    return False


def share_trained(experiment: Experiment) -> bool:
    """Links what a finished run beside this one trained with the same settings; True where there is one."""
    if experiment.run.exists():
        return False
    for metrics in sorted(experiment.folder.parent.glob("*/report/metrics.json")):
        other = metrics.parent.parent / experiment.run.name
        if (other / CONFIG).exists() and not changed_tables(other, experiment):
            _link_all(other, experiment.run)
            write_atomic(experiment.run / CONFIG, experiment.to_toml())
            return True
    return False


def _made_with(card: Path, digest: str) -> bool:
    try:
        return json.loads(card.read_text(encoding="utf-8")).get("settings_digest") == digest
    except (OSError, ValueError):
        return False


def _link_all(folder: Path, target: Path) -> None:
    with atomic_folder(target) as work:
        for path in folder.rglob("*"):
            if path.is_file():
                (work / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
                _link(path, work / path.relative_to(folder))


def _link(path: Path, target: Path) -> None:
    """A hard link costs no disk; some file systems have none."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copy2(path, target)
