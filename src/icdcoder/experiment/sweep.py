"""Sweep: one configuration over several values of some settings, with means, spreads and pooled folds."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from icdcoder.core.config import override, read_toml
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.flow import run
from icdcoder.experiment.pooling import by_way, carried
from icdcoder.experiment.sharing import share_prepared, share_trained
from icdcoder.experiment.training import changed_tables
from icdcoder.measure.coding import coding_measures
from icdcoder.measure.comparable import refuse_mixed_labels
from icdcoder.measure.significance import mean_interval

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = (
    "micro_f1",
    "micro_precision",
    "micro_recall",
    "macro_f1_mean_of_codes",
    "macro_f1_of_macro_precision_recall",
    "mean_average_precision",
    "precision_at_5",
    "auc_micro",
)
# Keys that tell runs of one system apart without changing the system: the spread is taken over them.
REPEATS = ("seed", "corpus.fold", "corpus.seed", "train.seed")


@dataclass(frozen=True)
class Run:
    """One run of a sweep, or several folds pooled. chosen: the values of the swept keys."""

    chosen: dict[str, str]
    metrics: dict[str, float]
    folder: Path


def sweep(
    config: str | Path,
    settings: tuple[str, ...],
    over: Sequence[str],
    *,
    pool: str | None = None,
    progress: Progress = SILENT,
) -> list[Run]:
    """Runs the product of all `over` values; each run has a folder of its own and is kept when it is done.

    pool: a swept key (corpus.fold) whose runs test disjoint parts of one corpus; their predictions are put together
    before measuring, so that micro-F1 is that of the whole corpus and not a mean over folds.
    """
    base = override(read_toml(Path(config)), settings)
    base.setdefault("name", Path(config).stem)
    return sweep_over(base, over, pool=pool, progress=progress)


def sweep_over(
    base: dict[str, Any], over: Sequence[str], *, pool: str | None = None, progress: Progress = SILENT
) -> list[Run]:
    """`sweep` from a configuration at hand, which has a name."""
    axes = [_axis(text) for text in over]
    keys = [key for key, _ in axes]
    if pool is not None and pool not in keys:
        raise ConfigError(f"--pool {pool} is not one of the keys swept over: {', '.join(keys)}.")
    choices = [dict(zip(keys, values, strict=True)) for values in itertools.product(*(values for _, values in axes))]
    refuse_mixed_labels(_experiment(base, chosen).tables("corpus")["corpus"] for chosen in choices)
    runs = []
    with progress.track("Runs", len(choices)) as step:
        for chosen in choices:
            runs.append(_one(base, chosen, progress))
            step(1, ", ".join(f"{k}={v}" for k, v in chosen.items()))
    runs = _pooled(runs, pool) if pool else runs
    _save(runs, base, over)
    return runs


def _axis(text: str) -> tuple[str, list[str]]:
    key, equals, values = text.partition("=")
    if not equals or not values:
        raise ConfigError(f"{text!r} is not an axis; write key=value,value or key=first..last.")
    span = re.fullmatch(r"(\d+)\.\.(\d+)", values)
    if span:
        return key, [str(i) for i in range(int(span[1]), int(span[2]) + 1)]
    return key, [value.strip() for value in values.split(",")]


def _experiment(base: dict[str, Any], chosen: dict[str, str]) -> Experiment:
    suffix = ",".join(f"{key.rpartition('.')[2]}={value}" for key, value in chosen.items())
    data = override(base, [f"{key}={value}" for key, value in chosen.items()])
    data["name"] = f"{base['name']},{suffix}"
    return Experiment.resolve(data)


def _one(base: dict[str, Any], chosen: dict[str, str], progress: Progress) -> Run:
    experiment = _experiment(base, chosen)
    done = experiment.report / "metrics.json"
    if done.exists():
        _refuse_other_settings(experiment)
    else:
        share_prepared(experiment)
        share_trained(experiment)
        run(experiment, progress=progress)
    return Run(chosen, json.loads(done.read_text(encoding="utf-8"))["metrics"], experiment.folder)


def _refuse_other_settings(experiment: Experiment) -> None:
    """Figures of other settings are no figures of these."""
    changed = changed_tables(experiment.run, experiment, "decide")
    if changed:
        raise ArtefactError(
            f"{experiment.folder} holds a finished run with other settings (in {', '.join(changed)}). "
            "Choose another name, or another folder for the runs."
        )


def _pooled(runs: list[Run], pool: str) -> list[Run]:
    groups: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for one in runs:
        groups.setdefault(tuple((k, v) for k, v in one.chosen.items() if k != pool), []).append(one)
    return [_together(dict(key), group) for key, group in groups.items()]


def _together(chosen: dict[str, str], group: list[Run]) -> Run:
    """Each fold has its own label space and threshold: scores are moved so that every threshold is 0.5."""
    spaces = [LabelSpace.load(one.folder / "prepared" / "space.json") for one in group]
    space = LabelSpace(sorted({code for one in spaces for code in one}))
    gold, scores, accepted = [], [], []
    for one, own in zip(group, spaces, strict=True):
        columns = [space.index(code) for code in own]
        about = json.loads((one.folder / "report" / "metrics.json").read_text(encoding="utf-8"))["about"]
        with np.load(one.folder / "report" / "scores.npz") as saved:
            for kind, into in (("gold", gold), ("scores", scores)):
                matrix = np.zeros((len(saved[kind]), len(space)), dtype=saved[kind].dtype)
                matrix[:, columns] = saved[kind]
                into.append(matrix)
        accepted.append(scores[-1] > about["threshold"]["value"])
    metrics = coding_measures(np.concatenate(gold), np.concatenate(scores), np.concatenate(accepted))
    metrics |= carried([one.metrics for one in group])
    columns = [[space.index(code) for code in own] for own in spaces]
    metrics |= by_way([one.folder / "report" for one in group], columns, len(space))
    return Run(chosen, metrics, group[0].folder)


def _save(runs: list[Run], base: dict[str, Any], over: Sequence[str]) -> None:
    path = Path(base.get("runs", "runs")) / f"{base['name']}.sweep.json"
    body = {"over": list(over), "runs": [{"chosen": r.chosen, "metrics": r.metrics} for r in runs]}
    path.write_text(json.dumps(body, indent=1), encoding="utf-8")


def table(runs: list[Run]) -> Table:
    """One row a system; cells are mean ± half of the 95 % interval over its repeats (seeds, folds not pooled)."""
    from rich.table import Table

    groups: dict[str, list[Run]] = {}
    for one in runs:
        system = ", ".join(f"{k}={v}" for k, v in one.chosen.items() if k not in REPEATS) or "all"
        groups.setdefault(system, []).append(one)
    shown = Table(box=None, pad_edge=False)
    shown.add_column("system")
    shown.add_column("runs", justify="right")
    for name in SHOWN:
        shown.add_column(name.replace("_", " "), justify="right")
    shares = [{one.metrics.get("trainable_share") for one in group} for group in groups.values()]
    tuned = None not in set().union(*shares) and set().union(*shares) != {1.0}
    if tuned:
        shown.add_column("trainable share", justify="right")
    for (system, group), share in zip(groups.items(), shares, strict=True):
        cells = [_cell([one.metrics.get(name, float("nan")) for one in group]) for name in SHOWN]
        told = [" ".join(f"{one:.2%}" for one in sorted(filter(None, share)))] if tuned else []
        shown.add_row(system, str(len(group)), *cells, *told)
    return shown


def _cell(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
    mean, half = mean_interval(values)
    return f"{mean:.3f} ± {half:.3f}"
