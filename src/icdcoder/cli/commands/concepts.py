"""icdcoder concepts: the concepts of a configuration's codes."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, SET


def command(
    config: str = CONFIG,
    settings: list[str] = SET,
    write: str = typer.Option("", help="Write the concepts to this .tsv or .json, to be edited and read again."),
) -> None:
    """Show the concepts of the codes of a prepared corpus, and how many training notes speak of each."""
    from icdcoder.cli.concepts import show_concepts
    from icdcoder.cli.options import experiment

    show_concepts(experiment(config, settings), write)
