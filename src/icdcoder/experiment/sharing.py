"""Runs that differ only in the model share one prepared corpus instead of making it again."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from icdcoder.core.cache import atomic_folder
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import TABLES


def share_prepared(experiment: Experiment) -> bool:
    """Links the prepared corpus of a run beside this one where the same settings made it; True where it did."""
    if experiment.prepared.exists():
        return False
    digest = experiment.digest(*TABLES)
    for card in sorted(experiment.folder.parent.glob("*/prepared/card.json")):
        if _made_with(card, digest):
            with atomic_folder(experiment.prepared) as work:
                for path in card.parent.iterdir():
                    _link(path, work / path.name)
            return True
    return False


def _made_with(card: Path, digest: str) -> bool:
    try:
        return json.loads(card.read_text(encoding="utf-8")).get("settings_digest") == digest
    except (OSError, ValueError):
        return False


def _link(path: Path, target: Path) -> None:
    """A hard link costs no disk; some file systems have none."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copy2(path, target)
