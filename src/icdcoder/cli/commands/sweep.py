"""icdcoder sweep: one configuration over several values of some settings."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, SET


def command(
    config: str = CONFIG,
    over: list[str] = typer.Option(..., help="key=value,value,… or key=first..last; several make a product."),
    pool: str = typer.Option(None, help="A key of --over whose runs share one test: folds of a cross-validation."),
    settings: list[str] = SET,
) -> None:
    """Run a configuration over seeds, models or folds, and print means with their spread, resumably."""
    from icdcoder.cli.screen import Bars, out
    from icdcoder.core.components import extra_named

    with extra_named("icdcoder sweep"):
        from icdcoder.experiment.sweep import sweep, table

        runs = sweep(config, tuple(settings or ()), tuple(over), pool=pool, progress=Bars())
    out().print(table(runs), markup=False)
