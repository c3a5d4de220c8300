"""icdcoder show: one code, or one component with its settings."""

from __future__ import annotations

import typer


def command(
    name: str = typer.Argument(..., help="A code (icd10cm:E11.22, E11.22), or a component (models/laat)."),
) -> None:
    """Show a code with its place in the hierarchy and its notes, or the settings of a component."""
    from icdcoder.cli.showing import show_code, show_component

    if "/" in name:
        show_component(*name.split("/", 1))
    else:
        show_code(name)
