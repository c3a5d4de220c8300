"""Cleaning: one spelling for line ends, blanks, quotes and hyphens, with a map back to the text as the user sent it.

Most of it puts one character in the place of another and moves nothing. What changes the length is an edit that the
offset map remembers, so that a span of the cleaned text is found again in the user's text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icdcoder.core.note import Note

_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "…": "..."}
_INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
# What changes the length: CRLF, characters of no width, ligatures, letters with separate accents.
_EDIT = re.compile(rf"\r\n|[{_INVISIBLE}]+|[{''.join(_LIGATURES)}]|[^\W\d_][\u0300-\u036f]+")
# MIMIC writes "[**Hospital 12**]", "[**2101-3-4**]" in the place of what it withholds; a mark may run over a line end.
_DEIDENTIFIED = re.compile(r"\[\*\*[^\]]{0,200}?\*\*\]")
_EDIT_AND_MARKS = re.compile(rf"{_DEIDENTIFIED.pattern}|{_EDIT.pattern}")

_ONE_FOR_ONE = {
    **dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " "),
    **dict.fromkeys(map(ord, "\u00a0\u1680\u202f\u205f\u3000"), " "),
    **dict.fromkeys(range(0x2000, 0x200B), " "),
    **dict.fromkeys(map(ord, "\n\r\v\f\x85\u2028\u2029"), "\n"),
    **dict.fromkeys(map(ord, "‘’‚‛′´"), "'"),
    **dict.fromkeys(map(ord, "“”„‟″«»"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–—―−"), "-"),
}
# A plain ASCII note with line feeds only is the common case: one look tells that nothing is to be done.
_PLAIN = re.compile(r"[\n\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class OffsetMap:
    """Where the lengths of two texts part: "edit 2" arrays, rising; source[i] became cleaned[i], both [start, end)."""

    source: npt.NDArray[np.int64]
    cleaned: npt.NDArray[np.int64]

    def to_source(self, start: int, end: int) -> tuple[int, int]:
        """The span of the source that was cleaned to [start, end); O(log edits).

        A span that begins or ends inside an edit grows over the whole of it; one that touches characters of no width
        does not take them in.
        """
        first = int(self.cleaned[:, 0].searchsorted(start, "right")) - 1
        last = int(self.cleaned[:, 0].searchsorted(end, "left")) - 1
        source_start, source_end = start, end
        if first >= 0:
            inside = start < self.cleaned[first, 1]
            source_start = int(
                self.source[first, 0] if inside else self.source[first, 1] + start - self.cleaned[first, 1]
            )
        if last >= 0:
            source_end = int(self.source[last, 1] + max(0, end - self.cleaned[last, 1]))
        # An empty span has no characters that could say on which side of an edit it stands.
        return source_start, max(source_start, source_end)


_IDENTITY = OffsetMap(np.empty((0, 2), dtype=np.int64), np.empty((0, 2), dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Cleaned:
    """note: the note with its text cleaned. offsets: from there into the note as the user sent it."""

    note: Note
    offsets: OffsetMap

    @property
    def text(self) -> str:
        return self.note.text

    def to_source(self, start: int, end: int) -> tuple[int, int]:
        """[start, end) of the cleaned text as a span of the text that the user sent."""
        return self.offsets.to_source(start, end) if len(self.offsets.source) else (start, end)


def clean(note: Note, *, keep_deidentification_marks: bool = True) -> Cleaned:
    """Line ends become "\\n", blanks, tabs and control characters a space, quotes and hyphens their ASCII forms;
    ligatures are spelled out, accents joined to their letters, characters of no width left out.

    keep_deidentification_marks: False puts one space in the place of each [**…**] of MIMIC.
    """
    text = note.text
    if keep_deidentification_marks and _PLAIN.fullmatch(text):
        return Cleaned(note, _IDENTITY)
    pattern = _EDIT if keep_deidentification_marks else _EDIT_AND_MARKS
    pieces: list[str] = []
    source: list[tuple[int, int]] = []
    cleaned: list[tuple[int, int]] = []
    copied, shift = 0, 0
    for match in pattern.finditer(text):
        start, end = match.span()
        new = _edited(match[0])
        if len(new) == end - start:
            # The composed form is as long: the accents have no letter of their own.
            continue
        pieces += (text[copied:start], new)
        source.append((start, end))
        cleaned.append((start + shift, start + shift + len(new)))
        shift += len(new) - (end - start)
        copied = end
    pieces.append(text[copied:])
    result = "".join(pieces).translate(_ONE_FOR_ONE)
    if not source:
        return Cleaned(note if result == text else Note(note.id, result), _IDENTITY)
    return Cleaned(Note(note.id, result), OffsetMap(np.array(source), np.array(cleaned)))


def _edited(found: str) -> str:
    if found == "\r\n":
        return "\n"
    if found.startswith("[**"):
        return " "
    if found in _LIGATURES:
        return _LIGATURES[found]
    return unicodedata.normalize("NFC", found) if found[0].isalpha() else ""
