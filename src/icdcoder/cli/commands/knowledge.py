"""icdcoder knowledge: what clinicians write for a code, asked of a language model and compared with our own."""

from __future__ import annotations

import typer

group = typer.Typer(
    help="Build expressions or descriptions of codes with a language model, and compare them with icdcoder's own.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command()
def build(
    codes: str = typer.Option(..., help="A text file with one typed code a line, as icd9cm:401.9."),
    endpoint: str = typer.Option(..., help="Address of an OpenAI-compatible endpoint, as http://127.0.0.1:8000/v1."),
    model: str = typer.Option(..., help="The model's name there."),
    output: str = typer.Option("knowledge", "--output", "-o", help="The folder to make, or to go on with."),
    kind: str = typer.Option("medical_expressions", help="medical_expressions, descriptions or concepts."),
    per_kind: int = typer.Option(30, min=1, help="How many terms, abbreviations and synonyms each to ask for."),
    question: str = typer.Option(
        None, help="Another question: appendix_b, or a text file with {code} and {title} in it."
    ),
    key_variable: str = typer.Option(None, help="The environment variable that holds the endpoint's key."),
    timeout: float = typer.Option(120.0, help="Seconds for one answer."),
    max_tokens: int = typer.Option(2048, min=1, help="Of one answer; models that think aloud need more."),
    attempts: int = typer.Option(5, min=1, help="How often a question is asked where the endpoint fails."),
    again: bool = typer.Option(
        False, "--again", help="Also ask again where the answer held nothing, as a refusal, or was cut."
    ),
    allow_public: bool = typer.Option(False, "--allow-public", help="The endpoint may lie outside a private network."),
) -> None:
    """Ask a model what clinicians write for each code. Only codes and titles are sent, never a note.

    Answers are kept one by one; the same command goes on where it stopped.
    """
    from icdcoder.cli.knowing import Request, build_knowledge

    limits = (timeout, max_tokens, attempts, allow_public, again)
    build_knowledge(Request(codes, endpoint, model, output, kind, per_kind, question, key_variable, *limits))


@group.command()
def diff(
    built: str = typer.Argument(..., help="The file medical_expressions.tsv of a built folder, or the folder."),
    lists: bool = typer.Option(False, "--lists", help="Print every expression, not only how many there are."),
) -> None:
    """Compare built expressions with those that icdcoder brings, code by code."""
    from icdcoder.cli.knowing import show_difference

    show_difference(built, lists=lists)
