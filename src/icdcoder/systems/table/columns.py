"""A code system as columns: quick to read from disk, and no object is made for a code until it is asked for."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from icdcoder.systems.table.contract import Heading

NOTE_KINDS = ("inclusion_terms", "includes", "excludes1", "excludes2", "code_first", "use_additional", "code_also")
Notes = dict[str, dict[str, list[str]]]  # kind → row → texts; rows of headings are written "h<index>"


@dataclass(frozen=True, slots=True)
class HeadingRow:
    """A heading of the classification; `above`: index of the chapter, or of the block of blocks, that this block stands
    in; -1 for a chapter."""

    heading: Heading
    above: int = -1
    notes: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One code as a builder gives it, in the order of the classification, parents first.

    depth: 0 for a category. heading: index of the block (or chapter) it stands in. notes: kind → texts.
    seventh: {character: meaning}, where this entry is the one that defines them.
    """

    value: str
    description: str
    depth: int
    heading: int
    billable: bool
    notes: Mapping[str, list[str]] = field(default_factory=dict)
    seventh: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Columns:
    """Row i is one code.

    parent[i]: row of its parent, -1 for a category. end[i]: the first row after all its descendants.
    heading[i]: index of its block or chapter. billable[i]: 1 or 0. read_notes: called once, when notes are wanted.
    """

    values: list[str]
    descriptions: list[str]
    parent: array[int]
    end: array[int]
    heading: array[int]
    billable: bytes
    headings: tuple[HeadingRow, ...]
    read_notes: Callable[[], Notes]

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def rows(self) -> dict[str, int]:
        return dict(zip(self.values, range(len(self.values)), strict=True))

    @cached_property
    def notes(self) -> Notes:
        return self.read_notes()

    def children(self, row: int) -> Iterator[int]:
        child = row + 1
        while child < self.end[row]:
            yield child
            child = self.end[child]

    def above(self, row: int) -> Iterator[int]:
        """Rows of the ancestors, nearest first."""
        row = self.parent[row]
        while row >= 0:
            yield row
            row = self.parent[row]

    def headings_of(self, row: int) -> Iterator[int]:
        """Indices of the headings that the row stands in: its block, the blocks around that, the chapter."""
        index = self.heading[row]
        while index >= 0:
            yield index
            index = self.headings[index].above


def compile_columns(headings: Iterable[HeadingRow], entries: Iterable[Entry]) -> Columns:
    """Raises ValueError where a code occurs twice or a depth jumps: then a package's table is not what it was."""
    headings = tuple(headings)
    values, descriptions, billable = [], [], bytearray()
    parent, end, heading = array("i"), array("i"), array("i")
    notes: Notes = {}
    for index, above in enumerate(headings):
        _collect(notes, f"h{index}", above.notes)
    open_rows: list[int] = []
    for row, entry in enumerate(entries):
        if entry.depth > len(open_rows):
            raise ValueError(f"{entry.value} is {entry.depth} levels deep, but nothing stands above it.")
        for closed in open_rows[entry.depth :]:
            end[closed] = row
        del open_rows[entry.depth :]
        values.append(entry.value)
        descriptions.append(" ".join(entry.description.split()))
        parent.append(open_rows[-1] if open_rows else -1)
        end.append(row + 1)
        heading.append(entry.heading)
        billable.append(entry.billable)
        _collect(notes, str(row), entry.notes)
        if entry.seventh:
            _collect(notes, str(row), {"seventh": [f"{key} {meaning}" for key, meaning in entry.seventh.items()]})
        open_rows.append(row)
    for closed in open_rows:
        end[closed] = len(values)
    if len(set(values)) != len(values):
        raise ValueError("A code stands twice in the table.")
    return Columns(values, descriptions, parent, end, heading, bytes(billable), headings, lambda: notes)


def _collect(notes: Notes, row: str, given: Mapping[str, list[str]]) -> None:
    for kind, texts in given.items():
        if texts:
            notes.setdefault(kind, {})[row] = [" ".join(text.split()) for text in texts]
