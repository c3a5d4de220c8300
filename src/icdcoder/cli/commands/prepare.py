"""icdcoder prepare: corpus → prepared folder."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, FRESH, SET


def command(config: str = CONFIG, settings: list[str] = SET, fresh: bool = FRESH) -> None:
    """Read a corpus, fit label space and vocabulary on its training part, and write runs/NAME/prepared."""
    from icdcoder.cli.options import experiment
    from icdcoder.cli.screen import Bars, check_sheet, counts, say
    from icdcoder.experiment.cautions import cautions
    from icdcoder.experiment.prepare import prepare

    asked = experiment(config, settings)
    new = fresh or not asked.prepared.exists()
    prepared = prepare(asked, fresh=fresh, progress=Bars())
    counts(f"{asked.prepared}", prepared.card["counts"], prepared.card["dropped"])
    if "fitted" in prepared.card:
        say(f"Fitted is {prepared.card['fitted']}.")
    else:
        for sentence in cautions(prepared):
            say(sentence)
    if prepared.card.get("check_sheet"):
        check_sheet(prepared.card["check_sheet"])
    artefacts = prepared.card["corpus"].get("artefact codes")
    if artefacts:
        say(f"Codes of the list that are artefacts (labels = 'correct' puts them right): {artefacts}")
    licence = prepared.card["corpus"].get("licence")
    if licence and new:
        say(f"Licence of the corpus: {licence}")
    typer.echo(asked.prepared)
