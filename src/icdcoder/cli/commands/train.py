"""icdcoder train: prepared folder → run folder."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, FRESH, SET


def command(config: str = CONFIG, settings: list[str] = SET, fresh: bool = FRESH) -> None:
    """Train the model of a configuration. A run that was stopped goes on where it was."""
    from icdcoder.cli.options import experiment
    from icdcoder.cli.screen import Bars, say
    from icdcoder.core.components import extra_named

    asked = experiment(config, settings)
    with extra_named("icdcoder train"):
        from icdcoder.experiment.training import train_model

        result = train_model(asked, fresh=fresh, progress=Bars())
    say(f"{result.stopped_because}; kept epoch {result.best_epoch} with {result.monitor} {result.best_score:.4f}.")
    typer.echo(asked.run)
