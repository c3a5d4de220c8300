"""icdcoder import-weights: weights that the authors' own code trained → run folder."""

from __future__ import annotations

import typer

from icdcoder.cli.options import SET


def command(
    kind: str = typer.Argument(..., help="The model; docs/parity.md lists those that can be."),
    file: str = typer.Argument(..., help="The authors' checkpoint: safetensors, or a state dict of torch.save."),
    config: str = typer.Option(..., "--config", help="The configuration whose run gets the weights."),
    codes: str = typer.Option(..., "--codes", help="The codes, one a line, in the order of the file's output layer."),
    words: str = typer.Option(
        None, "--words", help="The words, one a line, in the order of the file's embedding; none for subwords."
    ),
    names: str = typer.Option(
        None,
        "--names",
        help="For joint_laat its categories, for kg_multirescnn its entities, one a line, in the order of the file.",
    ),
    settings: list[str] = SET,
) -> None:
    """Take weights trained by a model's authors, so that decide and evaluate go on from them. See docs/parity.md."""
    from pathlib import Path

    from icdcoder.cli.options import experiment
    from icdcoder.cli.screen import say
    from icdcoder.core.components import extra_named

    asked = experiment(config, settings)
    with extra_named("icdcoder import-weights"):
        from icdcoder.experiment.importing import import_weights

        counts = import_weights(
            asked,
            kind,
            Path(file),
            codes=Path(codes),
            words=None if words is None else Path(words),
            names=None if names is None else Path(names),
        )
    say(", ".join(f"{count} {what}" for what, count in counts.items()) + ".")
    typer.echo(asked.run)
