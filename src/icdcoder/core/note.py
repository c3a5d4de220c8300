"""A note as the user sent it. Its text is patient text: it never appears in a repr, a log or an error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """One clinical note.

    id: the user's name for it. text: exactly the characters the user sent; every offset in icdcoder counts
    0-based Unicode code points of this text, end exclusive.
    """

    id: str
    text: str

    def __repr__(self) -> str:
        return f"Note(id={self.id!r}, {len(self.text)} characters)"
