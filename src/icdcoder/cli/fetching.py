"""What `icdcoder fetch` does and prints."""

from __future__ import annotations

from pathlib import Path

from icdcoder.cli.screen import Bars, out, say
from icdcoder.core.errors import ConfigError, did_you_mean
from icdcoder.knowledge import bundles, sources


def list_sources() -> None:
    for kind in (sources, bundles):
        table = sources.SOURCES if kind is sources else bundles.BUNDLES
        for name, source in table.items():
            have = kind.located(name)
            out().print(f"[bold]{name}[/bold]  {source.title}  [dim]{'at ' + str(have) if have else 'not here'}[/dim]")


def fetch(name: str, from_file: str | None) -> None:
    copy = Path(from_file) if from_file else None
    if name in bundles.BUNDLES:
        path = bundles.fetch(name, Bars(), copy)
    elif name in sources.SOURCES:
        path = sources.fetch(name, from_file=copy)
    else:
        known = [*sources.SOURCES, *bundles.BUNDLES]
        raise ConfigError(
            f"There is nothing to fetch named {name!r}.{did_you_mean(name, known)} Known: {', '.join(known)}."
        )
    say(f"{name}: hash checked.")
    out().print(str(path), markup=False)
