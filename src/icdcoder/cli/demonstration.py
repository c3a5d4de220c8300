"""The main job, step by step, as `make run` shows it."""

from __future__ import annotations

import time
from pathlib import Path

from icdcoder.cli.coding import Request, code_sources
from icdcoder.cli.prediction_table import show
from icdcoder.cli.screen import Bars, out
from icdcoder.core.components import extra_named
from icdcoder.core.errors import InputError

NOTE = Path("examples/discharge_summary.txt")
CONFIG = Path("configs/tiny.toml")


def demonstrate(*, fresh: bool) -> None:
    """Codes the example note, then runs the small experiment. Needs the project's folder as working directory."""
    for path in (NOTE, CONFIG):
        if not path.exists():
            raise InputError(f"{path} is not here; run the demo in the project's folder.")
    began = time.monotonic()
    console = out()
    console.rule("1. The built-in coder reads an invented discharge summary")
    console.print(f"[dim]$ icdcoder code {NOTE} --top 0[/dim]")
    code_sources(Request([str(NOTE)], top=0))
    console.rule("2. A small LAAT model: prepare, train, decide, evaluate")
    console.print(f"[dim]$ icdcoder run {CONFIG}[/dim]")
    with extra_named("icdcoder demo"):
        from icdcoder.coder import Coder
        from icdcoder.experiment.config import Experiment
        from icdcoder.experiment.flow import run
        from icdcoder.experiment.prepare import require_prepared

    experiment = Experiment.load(CONFIG)
    report = run(experiment, fresh=fresh, progress=Bars())
    console.print(report.summary())
    console.rule("3. The trained model codes a test note and shows its evidence")
    prepared = require_prepared(experiment)
    document = prepared.documents[prepared.split("test")[0]]
    note = document.joined()
    console.print(f"[dim]Gold codes of {note.id}: {', '.join(code.value for code in document.codes)}[/dim]")
    show(console, note, Coder.load(experiment.coder).code(note, top=0))
    console.rule(f"Done in {time.monotonic() - began:.0f} s. What to type next")
    _next_steps(experiment.folder)


def _next_steps(folder: Path) -> None:
    out().print(
        f"""\
  . .venv/bin/activate                                    so that icdcoder is on your path
  icdcoder code YOUR_NOTE.txt                             code a note of your own (add --format jsonl for JSON)
  icdcoder code --coder {folder}/coder YOUR_NOTE.txt      the same with the model just trained
  icdcoder show E11.22                                    look a code up
  icdcoder run configs/tiny.toml --set model.kind=caml --set name=tiny-caml
                                                          train another model on the same corpus
  less {folder}/report/report.md                          read the report
  icdcoder --help                                         everything else""",
        markup=False,
    )
