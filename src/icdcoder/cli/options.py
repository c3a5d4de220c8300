"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from icdcoder.experiment.config import Experiment

CONFIG = typer.Argument(..., help="A configuration, as configs/tiny.toml.")
SET = typer.Option(None, "--set", help="Override a setting, as --set model.hidden=256; may be repeated.")
FRESH = typer.Option(False, "--fresh", help="Replace what an earlier run with this name has left.")


def experiment(config: str, settings: list[str] | None) -> Experiment:
    from icdcoder.experiment.config import Experiment

    return Experiment.load(Path(config), settings or ())
