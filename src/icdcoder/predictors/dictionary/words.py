"""Words as the dictionary compares them: normal forms, families joined, sides and connecting words taken out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from icdcoder.text.normal_form import FILLER, NormalWords, normal_form, normal_words
from icdcoder.text.word_variants import joined

# Sides are told by the words around a mention, so a term is filed without them.
SIDES = {"right": 1, "left": 2, "bilateral": 3, "both": 3, "bilaterally": 3}
# Words that only connect the parts of a term: "ulcer with hemorrhage", "ulcer, hemorrhage"; "pain in the chest".
CONNECTING = frozenset(
    "with due by in from on at for as into is was were are be been being caused that which this there has had".split()
)


@dataclass(frozen=True, slots=True)
class TermWords:
    """words: with offsets, "" where no term may cross. sides: {position among them: side that stands before it}."""

    words: NormalWords
    sides: dict[int, int]

    @property
    def only_side(self) -> int:
        """The side of which alone a text speaks, right or left; 0 where it names none, or several."""
        named = set(self.sides.values())
        return named.pop() if len(named) == 1 and not named & {SIDES["both"]} else 0

    def side(self, first: int, last: int) -> int:
        """The side named inside a match, just before it, or just after it; 0 for none."""
        for position in (*range(first, last + 2), first - 1):
            if position in self.sides:
                return self.sides[position]
        return 0


def term_words(text: str, read_as: Callable[[str], str] = joined) -> TermWords:
    """The words of a note or of a term. read_as: what a normal word is filed as; a dictionary corrects it too.

    A connecting word in capitals is an abbreviation ("Hb AS") and stays.
    """
    note = normal_words(text)
    capitals = not text.isupper()
    offsets = note.offsets.tolist()
    kept: list[int] = []
    words: list[str] = []
    sides: dict[int, int] = {}
    for i, word in enumerate(note.words):
        if word in SIDES:
            sides[len(kept)] = SIDES[word]
        elif word not in CONNECTING or (capitals and text[offsets[i][0] : offsets[i][1]].isupper()):
            kept.append(i)
            words.append(word)
    return TermWords(NormalWords(list(map(read_as, words)), note.offsets[np.array(kept, dtype=np.int64)]), sides)


def split_side(text: str) -> tuple[list[str], int]:
    """The words of a term as the index files them, without breaks and sides, and the side they name."""
    if _ARTICLE.search(text) or text.isupper():
        # What such words are depends on those around them.
        found = term_words(text)
        return [word for word in found.words.words if word], max(found.sides.values(), default=0)
    words: list[str] = []
    named = 0
    for word, side in map(_FILED.__getitem__, _WORD.findall(text)):
        if side:
            named = max(named, side)
        elif word:
            words.append(word)
    return words, named


class _FiledWords(dict[str, tuple[str, int]]):
    """Word as it is written → as it is filed ("" where it is not), and its side. Terms share their words."""

    def __missing__(self, word: str) -> tuple[str, int]:
        normal = normal_form(word)
        side = SIDES.get(normal, 0)
        dropped = normal in FILLER or (normal in CONNECTING and not word.isupper())
        found = self[word] = ("" if side or dropped else joined(normal), side)
        return found


_FILED = _FiledWords()
_WORD = re.compile(r"[^\W_]+(?:['’]s\b)?")
_ARTICLE = re.compile(r"(?<![^\W_])[aA](?![^\W_])")
