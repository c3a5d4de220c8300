"""A report for the eye: the page report.md, and the table that commands print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from icdcoder.measure import calibration, coding, concept_leak, plausibility, ranking, roc, unread

if TYPE_CHECKING:
    from rich.console import RenderableType

    from icdcoder.measure.code_table import CodeRow
    from icdcoder.measure.concept_leak import OnShare
    from icdcoder.measure.frequency import Band
    from icdcoder.measure.report import Report

MEANINGS = {
    **coding.MEANINGS,
    **ranking.MEANINGS,
    **roc.MEANINGS,
    **calibration.MEANINGS,
    **unread.MEANINGS,
    **plausibility.MEANINGS,
    **concept_leak.MEANINGS,
    "gold_pairs_outside_space": "gold note-code pairs whose code the model cannot predict",
    "micro_recall_with_outside": "micro recall where those pairs count as missed",
    "micro_f1_with_outside": "micro-F1 where those pairs count as missed",
    "answers_prose": "answers that could not be read as codes, and count as none",
    "answers_cut": "answers stopped by the limit of tokens, so that codes may be missing",
    "answers_outside_space": "codes answered that the label space does not hold",
    "answers_outside_system": "codes answered that may not be given, and were dropped",
    "answers_unsupported": "codes answered without words that stand in the note",
    "notes_unanswered": "notes that the endpoint gave no answer for, and that have no codes",
}
HEADLINE = (
    "micro_f1",
    "micro_precision",
    "micro_recall",
    "micro_f1_with_outside",
    "micro_f1_without_reading",
    "macro_f1_mean_of_codes",
    "macro_f1_mean_of_codes_present",
    "macro_f1_of_macro_precision_recall",
    "auc_micro",
    "auc_macro",
    "precision_at_5",
    "precision_at_8",
    "precision_at_15",
    "mean_average_precision",
    "mean_average_precision_without_reading",
    "calibration_error_of_candidates",
    "evidence_overlap_share",
)
MISSED = 15
# Measures that count something and are shown as whole numbers.
COUNTED = frozenset(
    "notes notes_without_gold codes codes_present gold_pairs accepted_pairs correct_pairs gold_pairs_outside_space "
    "auc_macro_codes evidence_codes answers_prose answers_cut answers_outside_space answers_outside_system "
    "answers_unsupported notes_unanswered".split()
)


def meaning(name: str) -> str:
    """One line on what a measure is; "" for a measure that is not ours."""
    at = re.fullmatch(r"(.+_at_)(\d+)", name)
    if at and at[1] + "k" in MEANINGS:
        return re.sub(r"\bk\b", at[2], MEANINGS[at[1] + "k"])
    return MEANINGS.get(name, "")


def summary(report: Report) -> RenderableType:
    """The headline figures, and the warnings above them."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for name in HEADLINE:
        if name in report.metrics:
            low_high = report.intervals.get(name)
            between = f"95 % interval {low_high[0]:.4f} to {low_high[1]:.4f}; " if low_high else ""
            table.add_row(name, _number(name, report.metrics[name]), between + meaning(name))
    return Group(*(Text(f"! {warning}", style="yellow") for warning in report.warnings), table)


def markdown(report: Report) -> str:
    name = str(report.about.get("name", "")).strip()
    parts = [f"# Report{' of ' + _cell(name) if name else ''}"]
    parts += [f"> **{warning}**" for warning in report.warnings]
    parts.append(_table(("measured", ""), _flat(report.about)))
    parts.append("## Measures")
    headline = [m for m in HEADLINE if m in report.metrics]
    others = [m for m in report.metrics if m not in headline]
    rows = [(f"`{m}`", _with_interval(report, m), meaning(m)) for m in headline + others]
    parts.append(_table(("measure", "value", "what it is"), rows))
    parts.append(
        "Two quantities are called macro-F1 in the literature; compare like with like. Ties in a ranking go to"
    )
    parts[-1] += " the code with the lower index. A measure that is undefined on this split is left out."
    parts += ["## By frequency in training", "![F1 by frequency in training](frequency.svg)", _bands(report.bands)]
    parts += ["## Calibration", "![Reliability](reliability.svg)"]
    parts.append(_table(("probability", "pairs", "mean probability", "share gold"), _bins(report)))
    if report.concepts_on:
        parts += ["## Concepts that are on", "![Share of a code's concepts that are on](concepts_on.svg)"]
        parts += [_concepts_on(report.concepts_on)]
    parts += ["## Codes most often missed", _missed(report.codes), "Every code stands in per_code.csv."]
    return "\n\n".join(parts) + "\n"


def _with_interval(report: Report, name: str) -> str:
    value = _number(name, report.metrics[name])
    if name in report.intervals:
        low, high = report.intervals[name]
        return f"{value} ({low:.4f} to {high:.4f})"
    return value


def _bands(bands: Sequence[Band]) -> str:
    head = (
        "training notes",
        "codes",
        "of them gold here",
        "gold pairs",
        "micro-F1",
        "macro-F1 (mean of codes present)",
    )
    rows = []
    for band in bands:
        macro = band.macro_f1_mean_of_codes_present
        shown = ("–", "–") if macro is None else (_ratio(band.micro.f1), _ratio(macro))
        rows.append((band.label, str(band.codes), str(band.codes_present), str(band.gold), *shown))
    return _table(head, rows)


def _bins(report: Report) -> list[tuple[str, ...]]:
    return [
        (f"{b.low:.1f} to {b.high:.1f}", f"{b.pairs:,}", _ratio(b.mean_probability), _ratio(b.share_gold))
        for b in report.bins
        if b.pairs
    ]


def _concepts_on(shares: Sequence[OnShare]) -> str:
    gold, other = (max(1, sum(found)) for found in zip(*((one.gold, one.other) for one in shares), strict=True))
    rows = [
        (f"{one.sevenths}/7", f"{one.gold:,}", _ratio(one.gold / gold), f"{one.other:,}", _ratio(one.other / other))
        for one in shares
    ]
    return _table(("of the code's concepts", "gold pairs", "share", "other pairs", "share"), rows)


def _missed(codes: Sequence[CodeRow]) -> str:
    worst = sorted(codes, key=lambda row: (row.correct - row.gold, row.code))[:MISSED]
    rows = [
        (str(row.code), row.description, str(row.training), str(row.gold), str(row.accepted), str(row.correct))
        for row in worst
        if row.gold > row.correct
    ]
    return _table(("code", "description", "training notes", "gold", "accepted", "correct"), rows)


def _flat(about: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Nested tables as "corpus.kind" rows."""
    rows = []
    for key, value in about.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{above}{key}.")
        elif value not in (None, "", [], ()):
            rows.append((above + str(key), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    return rows


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _number(name: str, value: float) -> str:
    return f"{value:,.0f}" if name in COUNTED else f"{value:.4f}"


def _ratio(value: Any) -> str:
    return f"{float(value):.4f}"
