"""icdcoder demo: the main job, once through every layer."""

from __future__ import annotations

import typer


def command(
    fresh: bool = typer.Option(False, "--fresh", help="Train again even where an earlier demo has left its results."),
) -> None:
    """Code an example note with the built-in coder, then train, evaluate and explain a small model (some minutes)."""
    from icdcoder.cli.demonstration import demonstrate

    demonstrate(fresh=fresh)
