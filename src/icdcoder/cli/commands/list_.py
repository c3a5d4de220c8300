"""icdcoder list: the components that there are."""

from __future__ import annotations

import typer

from icdcoder.core.components import FOLDERS


def command(folder: str = typer.Argument(None, help=f"One of: {', '.join(FOLDERS)}.")) -> None:
    """List the code systems, corpora, models and other components that a configuration can name."""
    from icdcoder.core import components
    from icdcoder.core.errors import ConfigError, did_you_mean

    if folder is not None and folder not in FOLDERS:
        raise ConfigError(f"There is no {folder!r}.{did_you_mean(folder, list(FOLDERS))} Known: {', '.join(FOLDERS)}.")
    for name in (folder,) if folder else FOLDERS:
        typer.echo(f"{name}: {', '.join(components.names(name))}")
