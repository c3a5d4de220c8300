"""icdcoder fit-ranker: a corpus → a coder that ranks the dictionary's candidates."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, FRESH, SET


def command(
    config: str = CONFIG,
    settings: list[str] = SET,
    system: str = typer.Option("icd10cm", help="Code system of the dictionary: icd10cm or icd9cm."),
    edition: str = typer.Option("current", help="Edition of the codes that are given: 2018, 2017, 2017-short, 2007."),
    gold_edition: str = typer.Option(
        None, help="Edition of the corpus's codes, where it is another (default: the same)."
    ),
    habits: bool = typer.Option(True, help="Learn also what is this corpus's own: wordings, similar notes, counts."),
    folder: str = typer.Option(None, help="The coder folder to make (default: runs/NAME/ranked)."),
    folds: int = typer.Option(0, min=0, help="Cross-validation: so many folds of the corpus, their answers pooled."),
    ship: bool = typer.Option(False, help="Make the ranker that comes with icdcoder, in place of the one there."),
    fresh: bool = FRESH,
) -> None:
    """Fit a ranker on the corpus of a configuration (its training and validation part), and measure it on the test
    part. Needs minutes and numpy only. The coder folder is used as any other: icdcoder code --coder FOLDER.
    """
    from icdcoder.cli.ranking import fit_and_measure

    dictionary = {"system": system, "edition": edition}
    ranked = {"habits": habits, "gold_edition": gold_edition or "current", "dictionary": dictionary}
    fit_and_measure(config, tuple(settings or ()), ranked, folder, folds, ship=ship, fresh=fresh)
