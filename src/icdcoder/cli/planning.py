"""What `icdcoder plan` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from icdcoder.cli.screen import counted, out
from icdcoder.experiment.config import Experiment

if TYPE_CHECKING:
    from icdcoder.experiment.planning.hardware import Hardware
    from icdcoder.experiment.planning.plan import Plan


def show_plan(experiment: Experiment, hardware: Sequence[str], codes: int | None, tokens: int | None) -> None:
    """codes, tokens: what the user says of them, or None."""
    from icdcoder.experiment.planning import hardware as machines
    from icdcoder.experiment.planning.advice import advice
    from icdcoder.experiment.planning.plan import plan

    rows = [machines.named(name) for name in hardware]  # a typo should not cost a rehearsal
    found = plan(experiment, codes=codes, tokens=tokens)
    _parts(found)
    _machines(found, rows)
    small = [row for row in rows if not found.fits(row)]
    if small:
        out().print(f"\nDoes not fit on {', '.join(row.name for row in small)}. What to change, the cheapest first:")
        for setting in advice(experiment):
            out().print(f"  --set {setting}", markup=False)
    for sentence in found.assumed:
        out().print(f"Assumed: {sentence}", markup=False)


def _parts(plan: Plan) -> None:
    from rich.table import Table

    sizes, training = plan.sizes, plan.training
    share = plan.trained / max(1, plan.parameters)
    mean = "" if sizes.mean == sizes.longest else f", {sizes.mean:,.0f} on average"
    out().print(
        f"{plan.name}: {plan.kind}, {sizes.codes:,} codes, notes of {sizes.longest:,} tokens at most{mean}",
        markup=False,
    )
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(min_width=34)
    table.add_column(justify="right")
    table.add_column()
    rows = [
        ("parameters", f"{plan.parameters:,}", ""),
        ("trained", f"{plan.trained:,}", f"{share:.2%}"),
        (f"training, {counted(plan.batch_size, 'note')} together", "", ""),
        ("  weights", _bytes(training.weights), ""),
        ("  gradients", _bytes(training.gradients), ""),
        ("  optimiser", _bytes(training.optimiser), ""),
        ("  activations", _bytes(training.activations), "kept for the backward pass"),
        ("  most at once", _bytes(training.peak), "of tensors; a GPU's own context comes on top, up to 1 GB"),
        (f"scoring, {counted(plan.scored_together, 'note')} together", _bytes(plan.scoring.peak), "most at once"),
        ("a note forward", _flops(plan.scoring_work.flops_a_note), ""),
        ("a note in training", _flops(plan.training_work.flops_a_note), ""),
    ]
    for row in rows:
        table.add_row(*row)
    out().print(table)


def _machines(plan: Plan, rows: Sequence[Hardware]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("hardware", "memory", "fits", "training notes/s", "scoring notes/s", "an epoch"):
        table.add_column(name, justify="left" if name == "hardware" else "right")
    for row in rows:
        speed = plan.training_work.notes_a_second(row)
        notes = plan.sizes.training_notes
        table.add_row(
            row.name,
            _bytes(row.memory),
            "yes" if plan.fits(row) else "no",
            _rate(speed),
            _rate(plan.scoring_work.notes_a_second(row)),
            "" if notes is None else _time(notes / speed),
        )
    out().print()
    out().print(table)


def _bytes(count: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count / 1e3:,.1f} kB"


def _flops(count: float) -> str:
    for unit, size in (("PFLOP", 1e15), ("TFLOP", 1e12), ("GFLOP", 1e9)):
        if count >= size:
            return f"{count / size:,.2f} {unit}"
    return f"{count / 1e6:,.2f} MFLOP"


def _rate(notes: float) -> str:
    return f"{notes:,.0f}" if notes >= 10 else f"{notes:.2g}"


def _time(seconds: float) -> str:
    if seconds >= 86_400:
        return f"{seconds / 86_400:.1f} days"
    if seconds >= 3_600:
        return f"{seconds / 3_600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"
