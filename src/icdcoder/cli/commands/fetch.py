"""icdcoder fetch: public files that icdcoder can use and does not carry."""

from __future__ import annotations

import typer


def command(
    name: str = typer.Argument(None, help="What to fetch; without a name, all are listed."),
    from_file: str = typer.Option(None, help="Take this local copy instead of downloading; its hash is checked too."),
) -> None:
    """Download a public file from its pinned address (the only command that downloads anything)."""
    from icdcoder.cli.fetching import fetch, list_sources

    if name is None:
        list_sources()
    else:
        fetch(name, from_file)
