"""icdcoder plan: what a configuration will cost, before anything is loaded."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, SET


def command(
    config: str = CONFIG,
    settings: list[str] = SET,
    hardware: list[str] = typer.Option(
        ["h200", "a100-80", "a100-40", "rtx4090"], help="Names of hardware, or cpu for this machine; may be repeated."
    ),
    codes: int = typer.Option(0, min=0, help="Codes to predict, where nothing is prepared yet."),
    tokens: int = typer.Option(0, min=0, help="Tokens of a note, instead of the greatest length."),
) -> None:
    """Print parameters, memory, FLOPs and notes a second of a configuration. No weights are read."""
    from icdcoder.cli.options import experiment
    from icdcoder.cli.planning import show_plan
    from icdcoder.core.components import extra_named

    with extra_named("icdcoder plan"):
        show_plan(experiment(config, settings), hardware, codes or None, tokens or None)
