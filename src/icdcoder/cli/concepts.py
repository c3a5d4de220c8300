"""What `icdcoder concepts` prints and writes."""

from __future__ import annotations

from pathlib import Path

from icdcoder.cli.screen import Bars, out, say
from icdcoder.experiment.config import Experiment
from icdcoder.knowledge import concept_files
from icdcoder.knowledge.concepts import ConceptSet


def show_concepts(experiment: Experiment, write: str) -> None:
    """Prints each concept with its coverage; `write` names a file for the concepts, or is empty."""
    from rich.markup import escape
    from rich.table import Table

    from icdcoder.experiment.concept_coverage import COVERED_BY, coverage

    found = coverage(experiment, Bars())
    table = Table(box=None, pad_edge=False)
    for name in ("concept", "layer", "codes", "notes", "of its codes"):
        table.add_column(name, justify="left" if name in ("concept", "codes") else "right", overflow="fold")
    for concept, notes, own in zip(found.concepts, found.notes, found.with_code, strict=True):
        codes = " ".join(code.value for code in concept.codes[:4]) + (" …" if len(concept.codes) > 4 else "")
        table.add_row(escape(concept.name), str(concept.layer), codes, str(notes), str(own))
    if write:  # before the table, which may be cut short by what it is piped to
        concept_files.write(Path(write), ConceptSet(found.concepts))
    out().print(table)
    said = int((found.notes > 0).sum())
    out().print(
        f"{len(found.concepts)} concepts for {found.codes} codes; {said} are affirmed in one or more of the "
        f"{found.training_notes} training notes. {len(found.covered)} codes have more than {COVERED_BY} of their "
        "concepts affirmed in training notes of theirs."
    )
    for warning in found.warnings:
        say(f"icdcoder: {warning}")
    if write:
        say(f"Written to {write}; name it in [model] as concepts to use it.")
