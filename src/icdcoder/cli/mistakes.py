"""How `icdcoder errors` counts and shows a coder's mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icdcoder.cli.coding import load_coder_for
from icdcoder.cli.options import experiment, split_named
from icdcoder.cli.screen import Bars, out, say
from icdcoder.core.errors import ConfigError

if TYPE_CHECKING:
    from icdcoder.core.note import Note
    from icdcoder.measure.errors import CodingError

# Characters of the note on either side of a span.
AROUND = 40


def show_errors(
    config: str,
    settings: tuple[str, ...],
    name: str,
    system: str | None,
    edition: str | None,
    part: str,
    examples: int,
) -> None:
    from icdcoder.core import components
    from icdcoder.experiment.measuring import ALL_CANDIDATES
    from icdcoder.measure.errors import coding_errors

    split = split_named(part)
    asked = experiment(config, list(settings))
    reading = components.load("corpora", asked.corpus_kind).read(asked.corpus)
    documents = [d for d in reading.documents if d.split == split]
    if not documents:
        raise ConfigError(f"The corpus has no {part} documents.")
    coder = load_coder_for(asked.corpus_kind, name, system, edition)
    if coder.card is not None and part != "test":
        say("A coder that was fitted on these notes makes fewer mistakes here than on new ones.")
    notes = [document.joined() for document in documents]
    found: list[tuple[Note, CodingError]] = []
    right = 0
    with Bars().track("Coding notes", len(notes)) as step:
        predictions = coder.code_all(notes, top=ALL_CANDIDATES)
        for document, note, prediction in zip(documents, notes, predictions, strict=True):
            gold = {code for code in document.codes if code.system == prediction.system}
            right += sum(one.code in gold for one in prediction.accepted)
            found += [(note, error) for error in coding_errors(note, gold, prediction)]
            step()
    _print(found, right, len(notes), examples)


def _print(found: list[tuple[Note, CodingError]], right: int, notes: int, examples: int) -> None:
    from rich.markup import escape
    from rich.table import Table

    from icdcoder.measure.errors import counted

    table = Table(box=None, pad_edge=False, title=f"{notes} notes, {right} codes right", title_justify="left")
    table.add_column("mistake")
    table.add_column("codes", justify="right")
    kinds = counted(error for _, error in found)
    for kind, count in kinds.items():
        table.add_row(kind, str(count))
    out().print(table)
    for kind in kinds if examples else ():
        for note, error in [pair for pair in found if pair[1].kind == kind][:examples]:
            stead = f" ← {error.other.value}" if error.other else ""
            out().print(f"[bold]{kind}[/bold]  {error.code.value}{stead}  {escape(_words(note, error))}")


def _words(note: Note, error: CodingError) -> str:
    if not error.spans:
        return ""
    start, end = error.spans[0]
    return "… " + " ".join(note.text[max(0, start - AROUND) : end + AROUND].split()) + " …"
