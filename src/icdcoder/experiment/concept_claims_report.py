"""The claim of coding over concepts as tables that a person reads."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from icdcoder.experiment.concept_claims import Arm, Claims, CorpusOfClaims, Group
from icdcoder.experiment.concept_training import COST
from icdcoder.experiment.sweep import Run
from icdcoder.measure.frequency import BANDS, Band
from icdcoder.measure.report import CARD
from icdcoder.measure.significance import mean_interval

MEASURES = ("micro_f1", "macro_f1_mean_of_codes", "mean_average_precision", "precision_at_5", "concepts_rule_f1")


def markdown(claims: Claims, about: CorpusOfClaims, groups: Sequence[Group], found: Mapping[str, Arm]) -> str:
    """Cells are mean ± half of the 95 % interval over seeds; arms that have not been run yet are left out."""
    lines = [
        f"# {claims.title}: {about.title}",
        "",
        f"{claims.source}.",
        "",
        *(f"- {note}" for note in claims.notes),
        "",
    ]
    for group in groups:
        arms = [found[name] for name in group.arms if name in found]
        done = [arm for arm in arms if arm.runs]
        lines += [f"## {group.title}", ""]
        if done:
            lines += [*_measures(done), "", *_bands(done), ""]
        lines += [f"- {arm.name}: not run, {arm.reason}" for arm in arms if not arm.runs]
    return "\n".join(lines).rstrip() + "\n"


def _measures(arms: Sequence[Arm]) -> list[str]:
    """With the difference to the first arm, paired by seed."""
    costs = {arm.name: [cost for run in arm.runs if (cost := _cost(run))] for arm in arms}
    more = any(costs.values())
    head = ["arm", "runs", *MEASURES, "micro_f1 against the first", *(["concepts scored a note"] if more else [])]
    lines = [_row(head), _row(["---"] * len(head))]
    for arm in arms:
        cells = [_cell([run.metrics.get(name, math.nan) for run in arm.runs]) for name in MEASURES]
        apart = "" if arm is arms[0] else _cell(_differences(arm, arms[0]), signed=True)
        cost = [" / ".join(costs[arm.name][:1]) or "all"] if more else []
        lines.append(_row([arm.name, str(len(arm.runs)), *cells, apart, *cost]))
    return lines


def _bands(arms: Sequence[Arm]) -> list[str]:
    """F1 of all pairs of a band of codes, by how many training notes a code has."""
    bands = {arm.name: [_of_run(run) for run in arm.runs] for arm in arms}
    first = bands[arms[0].name][0]
    labels = [f"{band.label} ({band.codes} codes, {band.gold} pairs)" for band in first]
    lines = ["micro-F1 by training notes of the code:", "", _row(["arm", *labels]), _row(["---"] * (len(labels) + 1))]
    for arm in arms:
        cells = []
        for i in range(len(BANDS)):
            values = [float(own[i].micro.f1) for own in bands[arm.name] if own[i].gold]
            cells.append(_cell(values) if values else "")
        lines.append(_row([arm.name, *cells]))
    return lines


def _of_run(run: Run) -> list[Band]:
    card = json.loads((run.folder / "report" / CARD).read_text(encoding="utf-8"))
    return [Band(**band) for band in card["bands"]]


def _cost(run: Run) -> str:
    path = run.folder / "run" / COST
    if not path.exists():
        return ""
    body = json.loads(path.read_text(encoding="utf-8"))
    return f"{body['scored_a_note']:.0f} of {body['concepts']}"


def _differences(arm: Arm, first: Arm) -> list[float]:
    other = {run.chosen["seed"]: run.metrics["micro_f1"] for run in first.runs}
    return [r.metrics["micro_f1"] - other[r.chosen["seed"]] for r in arm.runs if r.chosen["seed"] in other]


def _cell(values: Sequence[float], signed: bool = False) -> str:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return ""
    sign = "+" if signed else ""
    if len(known) == 1:
        return f"{known[0]:{sign}.3f}"
    mean, half = mean_interval(known)
    return f"{mean:{sign}.3f} ± {half:.3f}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
