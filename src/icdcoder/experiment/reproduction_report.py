"""A reproduction as a table that a person reads (Markdown) and as data."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from icdcoder.core.cache import write_atomic
from icdcoder.experiment import published
from icdcoder.experiment.published import Row
from icdcoder.experiment.reproduce import Reproduced, Reproduction
from icdcoder.experiment.sweep import Run
from icdcoder.measure import charts
from icdcoder.measure.significance import mean_interval

# Shown where the systems ran on another corpus than the published one, beside the published micro-F1.
STAND_IN_MEASURES = (
    "micro_f1",
    "macro_f1_mean_of_codes",
    "auc_micro",
    "precision_at_5",
    "mean_average_precision",
)
SHARE = "trainable_share"
# Of a coder that gives every note the most frequent codes.
UNREAD = "_without_reading"
Key = TypeVar("Key", bound=Hashable)


def save(result: Reproduction, folder: Path) -> None:
    """table.md and table.json in `folder`, with the rows that earlier calls measured and this one did not; and of each
    data set trained_shares_SET.svg, where not all systems trained all their weights."""
    folder.mkdir(parents=True, exist_ok=True)
    result = _with_earlier(result, folder / "table.json", folder)
    write_atomic(folder / "table.md", markdown(result))
    write_atomic(folder / "table.json", json.dumps(_data(result), indent=1))
    for name in result.titles:
        rows = [one for one in result.rows if one.runs and (result.corpus or one.row.set) == name]
        found = [_trained(one) for one in rows if any(_values(one, SHARE)) and _values(one, "micro_f1")]
        if found and _share(rows):
            write_atomic(folder / f"trained_shares_{name}.svg", charts.trained_shares(found))


def _trained(one: Reproduced) -> charts.Trained:
    found = _values(one, "micro_f1")
    mean, half = mean_interval(found) if len(found) > 1 else (_mean(found), 0.0)
    return charts.Trained(one.row.system, _mean(_values(one, SHARE)), mean, half)


def _with_earlier(result: Reproduction, path: Path, folder: Path) -> Reproduction:
    """In the order of the published table. A row that could not be run now is that of the earlier call."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        earlier = {(row["system"], row["published on"]): row for row in saved["rows"]}
    except (OSError, ValueError, KeyError, TypeError):
        return result
    now = {(one.row.system, one.row.set): one for one in result.rows}
    rows = []
    for row in result.table.rows:
        key = (row.system, row.set)
        one, old = now.get(key), earlier.get(key)
        if old is not None and (one is None or not one.runs):
            runs = tuple(Run(run["chosen"], run["metrics"], folder) for run in old["measured"])
            if runs or one is None:
                one = Reproduced(row, runs, old["reason"], tuple(old.get("settings", ())))
        rows += [] if one is None else [one]
    titles = dict(result.titles)
    if not result.corpus:
        titles = {one.row.set: published.data_set(one.row.set).title for one in rows}
    return replace(result, rows=tuple(rows), titles=titles)


def markdown(result: Reproduction) -> str:
    """Published and measured side by side; a cell of several runs is the mean ± half of its 95 % interval."""
    lines = [f"# {result.table.title}", "", f"{result.table.source}.", ""]
    lines += [f"- {note}" for note in result.table.notes] + [""]
    if result.corpus:
        lines += _on_stand_in(result)
    else:
        for name, title in result.titles.items():
            rows = [r for r in result.rows if r.row.set == name]
            # A data set whose figures are lost is measured as the others of its table.
            lines += [f"## {title}", "", *_on_its_own(rows, _published(rows) or _published(result.rows))]
    lines += _own_settings([r for r in result.rows if r.runs])
    lines += _sources([r.row for r in result.rows])
    lines += _not_run([r for r in result.rows if not r.runs], on_stand_in=bool(result.corpus))
    return "\n".join(lines).rstrip() + "\n"


def _sources(rows: Sequence[Row]) -> list[str]:
    """Whence the published figures of those rows are that the table's own source does not have."""
    quoted = _together(((row.set, row.source), row.system) for row in rows if row.source and row.published)
    lines = [f"- published figures of {systems} ({name}): {source}" for (name, source), systems in quoted.items()]
    return [*lines, ""] if lines else []


def _not_run(rows: Sequence[Reproduced], *, on_stand_in: bool) -> list[str]:
    found = _together((("" if on_stand_in else f" ({r.row.set})", r.reason), r.row.system) for r in rows)
    return [f"- {systems}{where}: not run, {reason}" for (where, reason), systems in found.items()]


def _own_settings(rows: Sequence[Reproduced]) -> list[str]:
    """What the user set for which rows: those of several calls may stand in one table."""
    calls = _together((one.settings, one.row.system) for one in rows if one.settings)
    lines = [f"- with {', '.join(settings)}: {systems}" for settings, systems in calls.items()]
    return [*lines, ""] if lines else []


def _together(pairs: Iterable[tuple[Key, str]]) -> dict[Key, str]:
    """{key: its systems, each once}, in the order of the rows."""
    found: dict[Key, dict[str, None]] = {}
    for key, system in pairs:
        found.setdefault(key, {})[system] = None
    return {key: ", ".join(systems) for key, systems in found.items()}


def _published(rows: Sequence[Reproduced]) -> list[str]:
    return list(dict.fromkeys(name for one in rows for name in one.row.published))


def _on_its_own(rows: list[Reproduced], published: list[str]) -> list[str]:
    measures = published or list(STAND_IN_MEASURES)
    measures = [*measures, *_share(rows)]
    lines = ["| system | runs | | " + " | ".join(measures) + " |", "|---|---|---|" + "---|" * len(measures)]
    for one in rows:
        figures = [one.row.published.get(name) for name in measures]
        lines.append(_line(one.row.system, "", "published", ["" if p is None else f"{p:.3f}" for p in figures]))
        if one.runs:
            cells = [_values(one, name) for name in measures]
            lines.append(_line("", str(len(one.runs)), "measured", list(map(_cell, cells, measures))))
            apart = [_difference(v, p) for v, p in zip(cells, figures, strict=True)]
            lines.append(_line("", "", "difference", apart))
    return [*lines, ""]


def _on_stand_in(result: Reproduction) -> list[str]:
    """Best first; the published figure is of another data set and shows the order in the literature only."""
    rows = sorted((r for r in result.rows if r.runs), key=lambda r: -_mean(_values(r, "micro_f1")))
    lines = [f"## {result.titles[result.corpus]}", ""]
    measures = [*STAND_IN_MEASURES, *_share(rows)]
    lines.append("| system | runs | " + " | ".join(measures) + " | published micro_f1 (data set) |")
    lines.append("|---|---|" + "---|" * (len(measures) + 1))
    floor = [_cell(_values(rows[0], name + UNREAD), name) if rows else "" for name in measures]
    lines += ["| (no note is read) |  | " + " | ".join(floor) + " |  |"] if any(floor) else []
    for one in rows:
        known = one.row.published.get("micro_f1")
        cells = [_cell(_values(one, name), name) for name in measures]
        cells.append("" if known is None else f"{known:.3f} ({one.row.set})")
        lines.append(f"| {one.row.system} | {len(one.runs)} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _line(system: str, runs: str, what: str, cells: list[str]) -> str:
    return f"| {system} | {runs} | {what} | " + " | ".join(cells) + " |"


def _values(one: Reproduced, name: str) -> list[float]:
    return [run.metrics[name] for run in one.runs if name in run.metrics]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _share(rows: Sequence[Reproduced]) -> list[str]:
    """The share of weights that was trained, as a column where it is not the whole model everywhere."""
    found = {share for one in rows for share in _values(one, SHARE)}
    return [SHARE] if found - {1.0} else []


def _cell(values: list[float], name: str) -> str:
    if not values:
        return ""
    if name == SHARE:
        return f"{_mean(values):.2%}"
    if len(values) == 1:
        return f"{values[0]:.3f}"
    mean, half = mean_interval(values)
    return f"{mean:.3f} ± {half:.3f}"


def _difference(values: list[float], published: float | None) -> str:
    """With the spread of the runs: the published figure is one number, and its own spread is not known."""
    if published is None or not values:
        return ""
    apart = f"{_mean(values) - published:+.3f}"
    return apart if len(values) == 1 else f"{apart} ± {mean_interval(values)[1]:.3f}"


def _data(result: Reproduction) -> dict[str, object]:
    rows = [
        {
            "system": one.row.system,
            "set": result.corpus or one.row.set,
            "published": one.row.published,
            "published on": one.row.set,
            "source": one.row.source or result.table.source,
            "corpus": published.data_set(one.row.set).corpus,
            "measured": [{"chosen": run.chosen, "metrics": run.metrics} for run in one.runs],
            "reason": one.reason,
            "settings": list(one.settings),
        }
        for one in result.rows
    ]
    return {"table": result.name, "title": result.table.title, "source": result.table.source, "rows": rows}
