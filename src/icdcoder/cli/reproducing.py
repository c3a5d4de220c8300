"""What `icdcoder reproduce` prints besides its result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from icdcoder.cli.screen import Bars, out
from icdcoder.core.errors import ConfigError


def list_tables() -> None:
    """Every published table with its title and the data that its rows need."""
    from rich.table import Table

    from icdcoder.experiment import published
    from icdcoder.experiment.claims import described
    from icdcoder.experiment.sampling import published as sampling

    shown = Table(box=None, pad_edge=False)
    for heading in ("table", "what", "rows", "data sets"):
        shown.add_column(heading)
    for name in published.names():
        table = published.load(name)
        sets = dict.fromkeys(row.set for row in table.rows)
        shown.add_row(name, f"{table.title} ({table.source})", str(len(table.rows)), ", ".join(sets))
    for name in sampling.names():
        one = sampling.load(name)
        shown.add_row(name, f"{one.title} ({one.source})", str(len(one.sections)), one.set)
    for name in described.names():
        claims = described.load(name)
        found = ", ".join(claim.name for claim in claims.claims)
        shown.add_row(name, f"{claims.title} ({claims.source})", found, ", ".join(claims.corpora))
    out().print(shown, markup=False)
    out().print("Without MIMIC: --corpus synthetic, or --corpus codiesp|cmc2007 --set corpus.root=FOLDER.")


def claims_tried(
    name: str, corpus: str, wanted: Sequence[str], seeds: Sequence[int], settings: Sequence[str], runs: Path
) -> str | None:
    """The table of claims; None where the name is not one of claims. wanted: only these claims, or groups of arms."""
    from icdcoder.experiment.claims import described
    from icdcoder.experiment.claims.report import markdown
    from icdcoder.experiment.claims.run import try_claims

    if name not in described.names():
        return None
    return markdown(
        try_claims(name, corpus=corpus, wanted=wanted, seeds=seeds, settings=settings, runs=runs, progress=Bars())
    )


def sections_sampled(name: str, corpus: str, wanted: Sequence[str], settings: Sequence[str], runs: Path) -> str | None:
    """The table of sections that a sampler selects; None where the name is not one of such a table."""
    from icdcoder.experiment.sampling import published
    from icdcoder.experiment.sampling.reproduce import reproduce

    if name not in published.names():
        return None
    if wanted:
        raise ConfigError(f"{name} is of sections, and compares no systems: leave out --system.")
    return reproduce(name, corpus=corpus, settings=settings, runs=runs, progress=Bars())


def seed_numbers(text: str) -> list[int]:
    """ "1,2,3" as numbers. Raises ConfigError."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"--seeds {text!r} is no list of numbers; write 1,2,3.") from None
