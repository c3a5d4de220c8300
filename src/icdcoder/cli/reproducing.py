"""What `icdcoder reproduce` prints besides its result."""

from __future__ import annotations

from icdcoder.cli.screen import out
from icdcoder.core.errors import ConfigError


def list_tables() -> None:
    """Every published table with its title and the data that its rows need."""
    from rich.table import Table

    from icdcoder.experiment import published

    shown = Table(box=None, pad_edge=False)
    for heading in ("table", "what", "rows", "data sets"):
        shown.add_column(heading)
    for name in published.names():
        table = published.load(name)
        sets = dict.fromkeys(row.set for row in table.rows)
        shown.add_row(name, f"{table.title} ({table.source})", str(len(table.rows)), ", ".join(sets))
    out().print(shown, markup=False)
    out().print("Without MIMIC: --corpus synthetic, or --corpus codiesp|cmc2007 --set corpus.root=FOLDER.")


def seed_numbers(text: str) -> list[int]:
    """ "1,2,3" as numbers. Raises ConfigError."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"--seeds {text!r} is no list of numbers; write 1,2,3.") from None
