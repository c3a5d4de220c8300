"""icdcoder decide: choose the threshold on validation, write the coder folder."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, SET


def command(config: str = CONFIG, settings: list[str] = SET) -> None:
    """Choose the threshold on the validation part and write the coder folder that `icdcoder code` loads."""
    from icdcoder.cli.options import experiment
    from icdcoder.cli.screen import Bars, say
    from icdcoder.core.components import extra_named

    asked = experiment(config, settings)
    with extra_named("icdcoder decide"):
        from icdcoder.experiment.deciding import decide

        threshold = decide(asked, progress=Bars())
    say(f"Threshold {threshold.origin}.")
    for warning in threshold.warnings:
        say(warning)
    typer.echo(asked.coder)
