"""Claims as a table that a person reads. It gives figures and no verdict."""

from __future__ import annotations

import json
import math
from pathlib import Path

from icdcoder.core.cache import write_atomic
from icdcoder.experiment.claims.arms import name_of
from icdcoder.experiment.claims.measures import F1_OF_BAND, PAIRS_OF_BAND
from icdcoder.experiment.claims.run import Outcome, Tried
from icdcoder.measure.significance import mean_interval

# Measure, heading, decimals.
COLUMNS = (
    ("micro_f1", "micro-F1", 3),
    ("macro_f1_mean_of_codes", "macro-F1, mean of codes", 3),
    ("mean_average_precision", "mean average precision", 3),
    ("generation_micro_f1", "micro-F1 of what is written", 3),
    ("attention_micro_f1", "micro-F1 of label attention", 3),
    ("recall_of_unseen_wording", "recall of codes told in words unseen in training", 3),
    ("concepts_rule_f1", "F1 of the rule: all concepts are on", 3),
    ("concepts_scored", "concepts scored a note", 0),
    ("codes_asked", "codes asked a note", 0),
    ("recall_of_late_codes", "recall of codes told late", 3),
    ("trained_weights", "millions of trained weights", 2),
    ("training_seconds", "seconds of training", 0),
    ("processor_seconds", "processor seconds of training", 0),
    ("seconds_an_epoch", "seconds an epoch", 1),
    ("peak_memory_mb", "peak memory, MB", 0),
)

# Of a coder that gives every note the most frequent codes.
UNREAD, NOTHING_READ = "_without_reading", "(no note is read)"


def save(outcome: Outcome, folder: Path) -> None:
    """claims.md and claims.json in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "claims.md", markdown(outcome))
    data = {
        claim.name: [{"arm": one.arm.name, "runs": one.runs, "reason": one.reason} for one in tried]
        for claim, tried in outcome.tried
    }
    body = {"corpus": outcome.corpus, "checkpoint": name_of(outcome.checkpoint), "claims": data}
    write_atomic(folder / "claims.json", json.dumps(body, indent=1))


def markdown(outcome: Outcome) -> str:
    model = name_of(outcome.checkpoint) or "none"
    lines = [
        f"# {outcome.claims.title}",
        "",
        f"{outcome.claims.source}. Corpus: {outcome.corpus}. Language model: {model}.",
    ]
    lines += ["", *(f"- {note}" for note in outcome.claims.notes), ""]
    for claim, tried in outcome.tried:
        lines += [f"## {claim.name}: {claim.question}", "", *_table(tried), ""]
        lines += [*_bands(tried), ""] if claim.bands and any(one.runs for one in tried) else []
        lines += [f"- {one.arm.name}: not run, {one.reason}" for one in tried if one.reason]
    return "\n".join(lines).rstrip() + "\n"


def _table(tried: tuple[Tried, ...]) -> list[str]:
    shown = [column for column in COLUMNS if any(column[0] in run for one in tried for run in one.runs)]
    first = next((one for one in tried if one.runs), None)
    heading = ["arm", "runs", *(title for _, title, _ in shown), "micro-F1 less the first arm's"]
    lines = ["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading)]
    floor = [_cell(_values(first, name + UNREAD), decimals) if first else "" for name, _, decimals in shown]
    lines += ["| " + " | ".join([NOTHING_READ, "", *floor, ""]) + " |"] if any(floor) else []
    for one in tried:
        if one.runs:
            cells = [_cell(_values(one, name), decimals) for name, _, decimals in shown]
            lines.append("| " + " | ".join([one.arm.name, str(len(one.runs)), *cells, _difference(one, first)]) + " |")
    return lines


def _bands(tried: tuple[Tried, ...]) -> list[str]:
    first = next(one.runs[0] for one in tried if one.runs)
    labels = [name.removeprefix(F1_OF_BAND) for name in first if name.startswith(F1_OF_BAND)]
    heading = [f"{label} ({first[PAIRS_OF_BAND + label]:.0f} pairs)" for label in labels]
    lines = ["micro-F1 by training notes of the code:", "", "| arm | " + " | ".join(heading) + " |"]
    lines.append("|" + "---|" * (len(labels) + 1))
    for one in tried:
        if one.runs:
            cells = [_cell(_values(one, F1_OF_BAND + label), 3) for label in labels]
            lines.append("| " + " | ".join([one.arm.name, *cells]) + " |")
    return lines


def _values(one: Tried, name: str) -> list[float]:
    return [run[name] for run in one.runs if name in run]


def _cell(values: list[float], decimals: int, sign: str = "") -> str:
    if not values:
        return ""
    if len(values) == 1:
        return f"{values[0]:{sign}.{decimals}f}"
    mean, half = mean_interval(values)
    return f"{mean:{sign}.{decimals}f} ± {half:.{decimals}f}" if math.isfinite(half) else f"{mean:{sign}.{decimals}f}"


def _difference(one: Tried, first: Tried | None) -> str:
    """Seed by seed, as the runs of a seed share its split and its batches."""
    if first is None or one is first:
        return ""
    pairs = zip(_values(one, "micro_f1"), _values(first, "micro_f1"), strict=False)
    return _cell([own - other for own, other in pairs], 3, "+")
