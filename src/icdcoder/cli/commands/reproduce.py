"""icdcoder reproduce: the systems of a published table, trained here, beside the published figures."""

from __future__ import annotations

from pathlib import Path

import typer

from icdcoder.cli.options import SET


def command(
    table: str = typer.Argument(None, help="A published table, or claims; without one, they are listed."),
    corpus: str = typer.Option("", help="synthetic, codiesp or cmc2007: run the systems there, where MIMIC is not."),
    system: list[str] = typer.Option(None, help="Only this system, or this claim; can be given again."),
    seeds: str = typer.Option("1,2,3", help="One run of every system for each."),
    runs: Path = typer.Option(Path("runs"), help="The folder for the runs; finished ones are kept."),
    settings: list[str] = SET,
) -> None:
    """Train the systems of a published table on equal terms and show published and measured figures side by side."""
    from icdcoder.cli.screen import Bars, out
    from icdcoder.core.components import extra_named

    with extra_named("icdcoder reproduce"):
        from icdcoder.cli.reproducing import claims_tried, list_tables, sections_sampled, seed_numbers
        from icdcoder.experiment.reproduce import reproduce
        from icdcoder.experiment.reproduction_report import markdown

        if table is None:
            list_tables()
            return
        tried = sections_sampled(table, corpus, system or (), settings or (), runs)
        if tried is None:
            tried = claims_tried(table, corpus, system or (), seed_numbers(seeds), settings or (), runs)
        if tried is not None:
            out().print(tried, markup=False, soft_wrap=True)
            return
        result = reproduce(
            table,
            corpus=corpus,
            systems=tuple(system or ()),
            seeds=seed_numbers(seeds),
            settings=tuple(settings or ()),
            runs=runs,
            progress=Bars(),
        )
    out().print(markdown(result), markup=False, soft_wrap=True)
