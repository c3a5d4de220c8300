"""icdcoder run: all steps of a configuration."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, FRESH, SET


def command(config: str = CONFIG, settings: list[str] = SET, fresh: bool = FRESH) -> None:
    """Do all steps of a configuration: prepare, train, decide, evaluate. What is done already is kept."""
    from icdcoder.cli.options import experiment
    from icdcoder.cli.screen import Bars, out
    from icdcoder.core.components import extra_named

    asked = experiment(config, settings)
    with extra_named("icdcoder run"):
        from icdcoder.experiment.flow import run

        report = run(asked, fresh=fresh, progress=Bars())
    out().print(report.summary())
    typer.echo(asked.report)
