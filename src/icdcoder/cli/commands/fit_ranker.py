"""icdcoder fit-ranker: a corpus → a coder that ranks the dictionary's candidates."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, FRESH, SET


def command(
    config: str = CONFIG,
    settings: list[str] = SET,
    system: str = typer.Option("icd10cm", help="Code system of the dictionary: icd10cm or icd9cm."),
    habits: bool = typer.Option(True, help="Learn also what is this corpus's own: wordings, similar notes, counts."),
    folder: str = typer.Option(None, help="The coder folder to make (default: runs/NAME/ranked)."),
    folds: int = typer.Option(0, min=0, help="Cross-validation: so many folds of the corpus, their answers pooled."),
    fresh: bool = FRESH,
) -> None:
    """Fit a ranker on the corpus of a configuration (its training and validation part), and measure it on the test
    part. Needs minutes and numpy only. The coder folder is used as any other: icdcoder code --coder FOLDER.
    """
    from icdcoder.cli.ranking import fit_and_measure

    fit_and_measure(config, tuple(settings or ()), system, habits, folder, folds, fresh=fresh)
