"""What a corpus yields: the notes of one admission (or visit, or report) with its codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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
    seen = PatientSplits()
    for document in documents:
        seen.note(document)


class PatientSplits:
    """Which split each patient is in, noted document by document."""

    def __init__(self) -> None:
        self._split_of: dict[str, Split] = {}

    def note(self, document: Document) -> None:
        """Raises InputError where the patient was seen in another split."""
        before = self._split_of.setdefault(document.patient, document.split)
        if before != document.split:
            raise InputError(
                f"The patient of document {document.id!r} is in two splits, {before} and "
                f"{document.split}: it would be tested on a patient it was trained on."
            )


@dataclass(frozen=True, slots=True)
class CorpusReading:
    """What `read` of a corpus returns.

    documents: a tuple where the corpus is small; else an iterable that can be gone through once, in bounded memory.
    dropped (reason → count), card and facts (counts that a check sheet compares with the published ones) are complete
    when the documents have all been seen.
    """

    documents: Iterable[Document]
    dropped: Mapping[str, int] = field(default_factory=dict)
    card: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
