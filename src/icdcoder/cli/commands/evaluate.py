"""icdcoder evaluate: the coder on the test part → report folder."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, SET


def command(config: str = CONFIG, settings: list[str] = SET) -> None:
    """Measure the coder of a configuration on the test part and write its report."""
    from icdcoder.cli.options import experiment
    from icdcoder.cli.screen import Bars, out
    from icdcoder.core.components import extra_named

    asked = experiment(config, settings)
    with extra_named("icdcoder evaluate"):
        from icdcoder.experiment.evaluating import evaluate

        report = evaluate(asked, progress=Bars())
    out().print(report.summary())
    typer.echo(asked.report)
