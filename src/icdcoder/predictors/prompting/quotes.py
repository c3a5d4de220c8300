"""Where a quote stands in a note. A model changes case, blanks and quotation marks; words it may not change."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SAME = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‐": "-", "‑": "-"})
_LEFT_OUT = re.compile(r"\s*(?:\.{3}|…|\[\.\.\.\])\s*")
SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Searchable:
    """A text without what quotes change. places: for each character, where it stands in the text as given."""

    text: str
    places: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> Searchable:
        characters: list[str] = []
        places: list[int] = []
        for place, character in enumerate(text):
            if character.isspace():
                if characters and characters[-1] != " ":
                    characters.append(" ")
                    places.append(place)
                continue
            for part in character.translate(_SAME).casefold():
                characters.append(part)
                places.append(place)
        return cls("".join(characters), tuple(places))

    def find(self, quote: str) -> tuple[tuple[int, int], ...]:
        """[start, end) into the text as given, of each part of the quote ("a … b" has two). () where a part does not
        stand there as whole words."""
        spans = []
        for part in _LEFT_OUT.split(quote):
            wanted = Searchable.of(part.strip(" \t\n\"'“”")).text.strip().rstrip(".,;")
            if not wanted:
                continue
            at = self._whole_words(wanted)
            if at is None:
                return ()
            spans.append((self.places[at], self.places[at + len(wanted) - 1] + 1))
        return tuple(sorted(set(spans)))

    def _whole_words(self, wanted: str) -> int | None:
        if sum(map(str.isalnum, wanted)) < SHORTEST:
            return None
        at = self.text.find(wanted)
        while at >= 0:
            end = at + len(wanted)
            joined_before = at > 0 and self.text[at - 1].isalnum() and wanted[0].isalnum()
            joined_after = end < len(self.text) and self.text[end].isalnum() and wanted[-1].isalnum()
            if not joined_before and not joined_after:
                return at
            at = self.text.find(wanted, at + 1)
        return None
