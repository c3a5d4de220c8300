"""icdcoder pretrain: texts → a small language model in the format of Hugging Face."""

from __future__ import annotations

from pathlib import Path

import typer

from icdcoder.cli.options import FRESH, SET


def command(
    config: Path = typer.Argument(..., help="A configuration, as configs/pretrain/llama.toml."),
    settings: list[str] = SET,
    fresh: bool = FRESH,
) -> None:
    """Pretrain a small language model on texts. A run that was stopped goes on where it was."""
    from icdcoder.cli.screen import Bars, say
    from icdcoder.core.components import extra_named

    with extra_named("icdcoder pretrain"):
        from icdcoder.experiment.pretraining.config import Pretraining
        from icdcoder.experiment.pretraining.pretrain import pretrain

        found = pretrain(Pretraining.load(config, settings or ()), fresh=fresh, progress=Bars())
    say(
        f"{found.parameters:,} parameters, {found.tokens:,} tokens of training text. A token of validation text costs "
        f"{found.loss:.3f} nats (perplexity {found.perplexity:.1f}), and {found.unigram_loss:.3f} by frequencies alone."
    )
    if found.loss >= found.unigram_loss:
        say("! It has learnt nothing beyond frequencies: more text, more epochs, or another train.learning_rate.")
    typer.echo(found.folder)
