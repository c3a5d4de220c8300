"""What `icdcoder fetch` does and prints."""

from __future__ import annotations

from pathlib import Path

from icdcoder.cli.screen import out, say
from icdcoder.knowledge import sources


def list_sources() -> None:
    for name, source in sources.SOURCES.items():
        have = sources.located(name)
        out().print(f"[bold]{name}[/bold]  {source.title}  [dim]{'at ' + str(have) if have else 'not here'}[/dim]")


def fetch(name: str, from_file: str | None) -> None:
    path = sources.fetch(name, from_file=Path(from_file) if from_file else None)
    say(f"{name}: hash checked.")
    out().print(str(path), markup=False)
