"""icdcoder errors: what kinds of mistakes a coder makes on a part of a corpus."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, SET


def command(
    config: str = CONFIG,
    settings: list[str] = SET,
    coder: str = typer.Option("builtin", help="'builtin', 'ranked', or the folder of a coder."),
    system: str = typer.Option(None, help="Code system of the built-in coder: icd10cm (default) or icd9cm."),
    edition: str = typer.Option(
        None,
        help="Edition of the built-in coder's answers: current, 2018, 2017, 2017-short, 2007 (default: the corpus's).",
    ),
    part: str = typer.Option("train", help="Part of the corpus: train, validation or test."),
    examples: int = typer.Option(0, min=0, help="So many examples a kind, with text of the notes, on the screen only."),
) -> None:
    """Count a coder's mistakes by kind: no candidate, ranked low, not affirmed, a neighbour chosen, added. Look at the
    training part: what is learnt from the test part's mistakes makes its figures worthless.
    """
    from icdcoder.cli.mistakes import show_errors

    show_errors(config, tuple(settings or ()), coder, system, edition, part, examples)
