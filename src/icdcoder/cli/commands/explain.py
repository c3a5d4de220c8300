"""icdcoder explain: why a coder gives one code to one note."""

from __future__ import annotations

import typer


def command(
    note: str = typer.Argument(..., help="A text file, or - for standard input."),
    coder: str = typer.Option(..., help="The folder of a trained coder."),
    code: list[str] = typer.Option(None, help="Codes to explain, as icd9cm:428.0 or 428.0 (default: the accepted)."),
    method: str = typer.Option(
        "", help="attention, occlusion, … (`icdcoder list explain`); without it, the coder's own."
    ),
    set_concept: list[str] = typer.Option(
        None, help='An answer of yours, as "chest pain=no"; for coders over concepts; may be repeated.'
    ),
    format: str = typer.Option("table", help="table, or json (for coders over concepts)."),
) -> None:
    """Show the words, or the concepts, of a note on which a trained coder's score for a code rests."""
    from icdcoder.cli.explaining import explain_note

    explain_note(note, coder, code or [], method, set_concept or [], format)
