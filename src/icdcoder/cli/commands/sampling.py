"""icdcoder sampling: which sections of its notes a prepared corpus gives a model to read."""

from __future__ import annotations

import typer

from icdcoder.cli.options import CONFIG, SET


def command(
    config: str = CONFIG,
    part: str = typer.Option("train", help="The part of the corpus: train, validation or test."),
    settings: list[str] = SET,
) -> None:
    """Of a prepared corpus, show which kinds of sections are read of notes longer than text.max_tokens."""
    from icdcoder.cli.options import experiment, split_named
    from icdcoder.cli.screen import Bars, out
    from icdcoder.experiment.prepare import require_prepared
    from icdcoder.experiment.sampling.report import markdown
    from icdcoder.experiment.sampling.sections import sampled_sections

    chosen = split_named(part)
    asked = experiment(config, settings)
    found = sampled_sections(asked, require_prepared(asked), chosen, Bars())
    out().print(markdown(found, asked.name), markup=False, soft_wrap=True)
