"""A prediction as people read it: a table of codes, then the note's own words as evidence, marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icdcoder.cli.screen import counted
from icdcoder.core.note import Note
from icdcoder.core.prediction import CodePrediction, Evidence, Prediction

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# Characters of the note shown on either side of the evidence.
CONTEXT = 32
SHOWN_SPANS = 2


def show(console: Console, note: Note, prediction: Prediction) -> None:
    """Prints one prediction; accepted codes carry a mark, candidates below them do not."""
    from rich.table import Table
    from rich.text import Text

    accepted = len(prediction.accepted)
    more = len(prediction.codes) - accepted
    console.print(
        Text.assemble(
            (prediction.note_id, "bold"),
            f"  {counted(accepted, 'code')} accepted, {counted(more, 'more candidate')}",
            (f"   {prediction.system} {prediction.edition}, coder {prediction.coder.name}", "dim"),
        )
    )
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("code", no_wrap=True)
    table.add_column("score", justify="right")
    table.add_column("description", max_width=46, overflow="ellipsis", no_wrap=True)
    table.add_column("evidence", ratio=1, overflow="fold")
    for code in prediction.codes:
        style = "" if code.accepted else "dim"
        mark = Text("✓", style="green") if code.accepted else Text("")
        value = Text(code.code.value, style="bold" if code.accepted else "dim")
        table.add_row(mark, value, f"{code.score:.2f}", Text(code.description), _evidence(note, code), style=style)
    if prediction.codes:
        console.print(table)
    for span in prediction.left_unread:
        console.print(f"Not read: characters {span.start}–{span.end} ({span.reason}).", style="yellow", markup=False)
    for change in prediction.changes:
        between = {"removed": " because of ", "replaced": " by "}.get(change.action, ": ")
        other = f"{between}{change.other.value}" if change.other else ""
        said = f"{change.code.value} {change.action}{other}: {change.reason} ({change.rule}, {change.edition})"
        console.print(said, style="dim", markup=False)
    for warning in prediction.warnings:
        console.print(warning, style="yellow", markup=False)


def _evidence(note: Note, code: CodePrediction) -> Text:
    from rich.text import Text

    if not code.evidence:
        return Text("–" if code.accepted else "", style="dim")
    text = Text(overflow="fold")
    for i, evidence in enumerate(code.evidence[:SHOWN_SPANS]):
        if i:
            text.append("\n")
        _append(text, note, evidence)
    more = len(code.evidence) - SHOWN_SPANS
    if more > 0:
        text.append(f"\n+ {more} more", style="dim")
    return text


def _append(text: Text, note: Note, evidence: Evidence) -> None:
    before = note.text[max(0, evidence.start - CONTEXT) : evidence.start]
    after = note.text[evidence.end : evidence.end + CONTEXT]
    text.append(f"{evidence.start}: ", style="dim")
    text.append(_one_line(before, cut_left=evidence.start > CONTEXT), style="dim")
    text.append(_one_line(evidence.text), style="bold black on yellow")
    text.append(_one_line(after, cut_right=evidence.end + CONTEXT < len(note.text)), style="dim")


def _one_line(text: str, *, cut_left: bool = False, cut_right: bool = False) -> str:
    """Line ends and tabs as spaces, control characters dropped; half words at a cut are left out."""
    text = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)
    if cut_left and " " in text:
        text = "…" + text.split(" ", 1)[1]
    if cut_right and " " in text:
        text = text.rsplit(" ", 1)[0] + "…"
    return text
