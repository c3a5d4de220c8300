"""icdcoder explain: why a coder gives one code to one note."""

from __future__ import annotations

import typer


def command(
    note: str = typer.Argument(..., help="A text file, or - for standard input."),
    coder: str = typer.Option(..., help="The folder of a trained coder."),
    code: list[str] = typer.Option(None, help="Codes to explain, as icd9cm:428.0 (default: the accepted ones)."),
    method: str = typer.Option(
        "", help="attention, occlusion, … (`icdcoder list explain`); without it, the coder's own."
    ),
) -> None:
    """Show the words of a note on which a trained coder's score for a code rests."""
    from icdcoder.cli.explaining import explain_note

    explain_note(note, coder, code or [], method)
