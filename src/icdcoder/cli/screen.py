"""What commands print: standard output is data, standard error is everything else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from icdcoder.core.progress import Step

WIDE = 140


def counted(number: int, noun: str) -> str:
    """ "1 code", "2 codes"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


@cache
def out() -> Console:
    from rich.console import Console

    console = Console(highlight=False)
    # Where no terminal says how wide it is (a file, a pipe), tables keep the width they need.
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, width=WIDE)


@cache
def err() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def say(message: str) -> None:
    """A line for the person at the keyboard, on standard error."""
    print(message, file=sys.stderr, flush=True)


class Bars:
    """Progress bars on a terminal; elsewhere one line when a step is done."""

    @contextmanager
    def track(self, what: str, total: int | None = None) -> Iterator[Step]:
        if err().is_terminal:
            yield from self._bar(what, total)
        else:
            yield from self._line(what)

    def _bar(self, what: str, total: int | None) -> Iterator[Step]:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=err()) as bars:
            task = bars.add_task(what, total=total, note="")

            def step(done: int = 1, note: str = "") -> None:
                bars.update(task, advance=done)
                if note:
                    bars.update(task, note=note)

            yield step

    def _line(self, what: str) -> Iterator[Step]:
        count, last = 0, ""

        def step(done: int = 1, note: str = "") -> None:
            nonlocal count, last
            count, last = count + done, note or last

        yield step
        say(f"{what}: {count}{' ' + last if last else ''}")


def counts(title: str, numbers: dict[str, object], dropped: dict[str, int]) -> None:
    """What a prepared corpus holds and what was left out, on standard error."""
    say(title)
    for name, number in numbers.items():
        say(f"  {number:>10}  {name}")
    for reason, number in dropped.items():
        say(f"  {number:>10}  left out: {reason}")


def check_sheet(rows: list[dict[str, Any]]) -> None:
    """What was published of a corpus beside what was prepared, on standard error; known causes stand below."""
    from rich.table import Table

    def shown(value: object) -> str:
        return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("published", justify="right")
    table.add_column("yours", justify="right")
    table.add_column("")
    causes = {}
    for row in rows:
        table.add_row(row["what"], shown(row["published"]), shown(row["yours"]), row["verdict"])
        if row["verdict"] == "explained":
            causes[row["because"]] = row["what"]
    err().print(table)
    for cause, what in causes.items():
        say(f"  {what}: {cause}")
    sources = dict.fromkeys(row["source"] for row in rows if row["source"])
    if sources:
        say(f"  published in: {'; '.join(sources)}")


def measures(figures: dict[str, float]) -> None:
    """Figures under their full names, each with what it means."""
    from rich.table import Table

    from icdcoder.measure.page import COUNTED, meaning

    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in figures.items():
        shown = f"{value:.0f}" if name in COUNTED or (value == int(value) and value > 1) else f"{value:.4f}"
        table.add_row(name, shown, f"[dim]{meaning(name)}[/dim]")
    out().print(table)
