"""icdcoder evaluate: a coder on the test part → figures, and the report folder."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, SET


def command(
    config: str = CONFIG,
    settings: list[str] = SET,
    coder: str = typer.Option(
        None, help="Measure another coder on the same notes: 'builtin', 'ranked', a TOML file, a folder."
    ),
    system: str = typer.Option(None, help="Code system of the built-in coder: icd10cm (default) or icd9cm."),
    edition: str = typer.Option(
        None,
        help="Edition of the built-in coder's answers: current, 2018, 2017, 2017-short, 2007 (default: the corpus's).",
    ),
) -> None:
    """Measure the coder of a configuration on the test part and write its report."""
    from icdcoder.cli.options import experiment
    from icdcoder.cli.screen import Bars, measures, out, say
    from icdcoder.core.components import extra_named

    asked = experiment(config, settings)
    with extra_named("icdcoder evaluate"):
        from icdcoder.experiment.evaluating import evaluate
        from icdcoder.experiment.measuring import measure_coder

        if coder is not None:
            from icdcoder.cli.coding import load_coder_for

            loaded = load_coder_for(asked.corpus_kind, coder, system, edition)
            found, warnings = measure_coder(asked, loaded, progress=Bars())
            for warning in warnings:
                say(f"icdcoder: {warning}")
            measures(found)
            return
        report = evaluate(asked, progress=Bars())
    out().print(report.summary())
    typer.echo(asked.report)
