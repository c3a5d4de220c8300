"""All steps of one experiment in order; each is skipped where its result is there already."""

from __future__ import annotations

from pathlib import Path

from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment.config import Experiment
from icdcoder.measure.report import Report


def run(
    config: str | Path | Experiment,
    settings: tuple[str, ...] = (),
    *,
    fresh: bool = False,
    progress: Progress = SILENT,
) -> Report:
    """prepare → train → decide → evaluate; where an oracle reads the notes, without decide.

    settings: overrides such as "model.kind=caml".
    A run that was stopped goes on where it was; `fresh` begins anew. Returns the report on the test part.
    """
    from icdcoder.experiment.deciding import decide
    from icdcoder.experiment.evaluating import evaluate
    from icdcoder.experiment.prepare import prepare
    from icdcoder.experiment.training import train_model

    experiment = config if isinstance(config, Experiment) else Experiment.load(Path(config), settings)
    experiment.require_model()
    prepare(experiment, fresh=fresh, progress=progress)
    train_model(experiment, fresh=fresh, progress=progress)
    if not experiment.oracle:
        decide(experiment, progress=progress)
    return evaluate(experiment, progress=progress)
