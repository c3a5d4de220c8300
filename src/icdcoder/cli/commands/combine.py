"""icdcoder combine: a ranked dictionary and a trained coder as one coder."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, FRESH, SET


def command(
    config: str = CONFIG,
    settings: list[str] = SET,
    coder: str = typer.Option(None, help="The trained coder (default: runs/NAME/coder)."),
    system: str = typer.Option("icd10cm", help="Code system of the dictionary: icd10cm or icd9cm."),
    folder: str = typer.Option(None, help="The coder folder to make (default: runs/NAME/combined)."),
    fresh: bool = FRESH,
) -> None:
    """Fit a ranker on the training part, weigh it and the trained coder on the validation part, and measure both
    together on the test part. The configuration is the one that the coder was trained with.
    """
    from icdcoder.cli.ranking import combine_and_measure

    combine_and_measure(config, tuple(settings or ()), coder, system, folder, fresh=fresh)
