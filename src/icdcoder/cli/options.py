"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from icdcoder.core.document import Split
    from icdcoder.experiment.config import Experiment

CONFIG = typer.Argument(..., help="A configuration, as configs/tiny.toml.")
SET = typer.Option(None, "--set", help="Override a setting, as --set model.hidden=256; may be repeated.")
FRESH = typer.Option(False, "--fresh", help="Replace what an earlier run with this name has left.")


def experiment(config: str, settings: list[str] | None) -> Experiment:
    from icdcoder.experiment.config import Experiment

    return Experiment.load(Path(config), settings or ())


def split_named(name: str) -> Split:
    """Raises ConfigError for what is no part of a corpus."""
    from icdcoder.core.document import SPLITS
    from icdcoder.core.errors import ConfigError, did_you_mean

    for split in SPLITS:
        if split == name:
            return split
    raise ConfigError(f"There is no part {name!r}.{did_you_mean(name, list(SPLITS))} Known: {', '.join(SPLITS)}.")
