"""What a corpus yields: the notes of one admission (or visit, or report) with its codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.core.note import Note

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class GoldEvidence:
    """A span of `notes[note]` that an annotator gave as the reason for `code`; [start, end) code points."""

    code: Code
    start: int
    end: int
    note: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """One coded unit.

    id: unique in its corpus. notes: in reading order. codes: without duplicates, in the source's order.
    patient: all documents of a patient are in one split. evidence: None where the corpus has none at all.
    """

    id: str
    notes: tuple[Note, ...]
    codes: tuple[Code, ...]
    patient: str
    split: Split
    evidence: tuple[GoldEvidence, ...] | None = None

    def __repr__(self) -> str:
        return f"Document(id={self.id!r}, {len(self.notes)} notes, {len(self.codes)} codes, {self.split})"

    def joined(self) -> Note:
        """The document's notes as one, a blank line between them; evidence is moved by `joined_evidence`."""
        return Note(self.id, JOINT.join(note.text for note in self.notes))

    def joined_evidence(self) -> tuple[GoldEvidence, ...] | None:
        """Gold evidence with offsets into `joined().text`."""
        if self.evidence is None:
            return None
        starts, at = [], 0
        for note in self.notes:
            starts.append(at)
            at += len(note.text) + len(JOINT)
        return tuple(GoldEvidence(e.code, e.start + starts[e.note], e.end + starts[e.note], 0) for e in self.evidence)


JOINT = "\n\n"


def refuse_crossing_patients(documents: Iterable[Document]) -> None:
    """Raises InputError where a patient's documents are in more than one split."""
    where: dict[str, Split] = {}
    for document in documents:
        if where.setdefault(document.patient, document.split) != document.split:
            raise InputError(
                f"The patient of document {document.id!r} is in two splits, {where[document.patient]} and "
                f"{document.split}: it would be tested on a patient it was trained on."
            )


@dataclass(frozen=True, slots=True)
class CorpusReading:
    """What `read` of a corpus returns: the documents, what was dropped (reason → count), and the corpus's card."""

    documents: tuple[Document, ...]
    dropped: Mapping[str, int] = field(default_factory=dict)
    card: Mapping[str, str] = field(default_factory=dict)
