"""icdcoder pack: a coder folder, checked and copied for another machine."""

from __future__ import annotations

import typer


def command(
    coder: str = typer.Argument(..., help="A coder folder, as runs/NAME/coder."),
    target: str = typer.Argument(..., help="The folder to make."),
) -> None:
    """Check a coder folder, add a model card, and copy it to a folder of its own that needs nothing else."""
    from icdcoder.cli.packing import pack

    pack(coder, target)
    typer.echo(target)
