"""icdcoder claims: coding with concepts against coding without them, and the ablations, as one experiment."""

from __future__ import annotations

from pathlib import Path

import typer

from icdcoder.cli.options import SET


def command(
    corpus: str = typer.Option(
        "synthetic", help="synthetic, synthetic-rare, codiesp or codiesp-few (with --set corpus.root=FOLDER)."
    ),
    group: list[str] = typer.Option(None, help="Only this part, such as claim or layers; can be given again."),
    seeds: str = typer.Option("1,2,3,4,5", help="One run of every arm for each."),
    runs: Path = typer.Option(Path("runs"), help="The folder for the runs; finished ones are kept."),
    settings: list[str] = SET,
) -> None:
    """Compare coding over concepts with direct coding, by how often a code was seen in training."""
    from icdcoder.cli.screen import Bars, out
    from icdcoder.core.components import extra_named

    with extra_named("icdcoder claims"):
        from icdcoder.cli.reproducing import seed_numbers
        from icdcoder.experiment.concept_claims import run_claims

        path = run_claims(
            corpus,
            groups=tuple(group or ()),
            seeds=seed_numbers(seeds),
            settings=tuple(settings or ()),
            runs=runs,
            progress=Bars(),
        )
    out().print(path.read_text(encoding="utf-8"), markup=False, soft_wrap=True)
