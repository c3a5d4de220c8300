"""icdcoder code: notes in, codes out."""

from __future__ import annotations

import typer


def command(
    sources: list[str] = typer.Argument(
        None, metavar="FILE...", help="Notes: text, JSONL, CSV, Parquet; - for standard input."
    ),
    coder: str = typer.Option("builtin", help="'builtin', 'ranked', a TOML file, or the folder of a coder."),
    system: str = typer.Option(None, help="Code system of the built-in coder: icd10cm (default), icd10pcs or icd9cm."),
    top: int = typer.Option(None, min=0, help="List at most so many ranked candidates (accepted codes are never cut)."),
    format: str = typer.Option(
        None, help="table, or jsonl: one JSON object a note (default: table; jsonl with --output)."
    ),
    rules: bool = typer.Option(
        None, "--rules/--no-rules", help="Apply the rules of the code set, or show the raw list (default: the coder's)."
    ),
    date: str = typer.Option(None, help="Date of service (2018-05-01): the edition of the codes follows from it."),
    age: float = typer.Option(None, help="The patient's age in years, where the note does not say it."),
    sex: str = typer.Option(None, help="The patient's sex, F or M, where the note does not say it."),
    output: str = typer.Option(None, "--output", "-o", help="Write to this file instead of standard output."),
    id_column: str = typer.Option("id", help="Column or key of the note's id."),
    text_column: str = typer.Option("text", help="Column or key of the note's text."),
) -> None:
    """Code clinical notes: each code with its score and the words that are its evidence.

    Offsets in JSON count the characters of the text as it was given. Exit status: 0 all notes coded, 1 some could
    not be read or answered or were empty (named on standard error, the others are coded), 2 nothing could be done.
    """
    from icdcoder.cli.coding import Request, code_sources

    raise typer.Exit(
        code_sources(
            Request(sources or [], coder, system, top, format, output, id_column, text_column, rules, date, age, sex),
        )
    )
