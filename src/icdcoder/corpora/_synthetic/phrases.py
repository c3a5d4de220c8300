"""Finding phrases in a text: how the corpus makes sure that a note tells nothing but what it should tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from icdcoder.text.normal_form import normal_words

WITHIN = "x "  # before a text, so that it is not read as the start of a sentence


@dataclass(frozen=True, slots=True)
class Occurrence:
    """[start, end) code points of the text; phrase: its number."""

    start: int
    end: int
    phrase: int


@dataclass(slots=True)
class _Node:
    after: dict[str, _Node] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)


class Phrases:
    """A numbered set of phrases. A word with two capitals is an abbreviation and is found in that case only
    (ALL is not "all"); of other words case, plural, spelling and articles do not matter."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._root = _Node()
        self._neighbours: set[tuple[str, str]] = set()
        for number, phrase in enumerate(phrases):
            node, key = self._root, self.key(phrase)
            self._neighbours.update(pairwise(key))
            for word in key:
                node = node.after.setdefault(word, _Node())
            if node is not self._root:
                node.ends.append(number)

    @staticmethod
    def key(phrase: str) -> tuple[str, ...]:
        """What two phrases share that are found in the same places."""
        words = [forms[0] for forms in _within(phrase)]
        while words and not words[-1]:
            words.pop()
        return tuple(words)

    def find(self, text: str) -> list[Occurrence]:
        """Every occurrence, also those inside others."""
        words = list(_words(text))
        found: list[Occurrence] = []
        for first, (_, start, _) in enumerate(words):
            nodes = [self._root]
            for forms, _, end in words[first:]:
                nodes = [node.after[form] for node in nodes for form in forms if form in node.after]
                if not nodes:
                    break
                found += [Occurrence(start, end, number) for node in nodes for number in node.ends]
        return found

    def may_join(self, left: Edges, right: Edges) -> bool:
        """Whether a phrase could reach from the end of one text into the beginning of the next."""
        return any((last, first) in self._neighbours for last in left.last for first in right.first)


@dataclass(frozen=True, slots=True)
class Edges:
    """The forms of a text's first and last word."""

    first: tuple[str, ...]
    last: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Edges:
        forms = _within(text) or [()]
        return cls(forms[0], forms[-1])


def _within(text: str) -> list[tuple[str, ...]]:
    """The forms of a text's words where it stands within a sentence: a capital A is an article only at its start."""
    return [forms for forms, _, _ in _words(f"{WITHIN}{text}")][1:]


def _words(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """(forms, start, end): the forms are a word's normal form, after the word itself where it has two capitals;
    "" stands where no phrase may cross, as at the end of a sentence."""
    normal = normal_words(text)
    for word, (start, end) in zip(normal.words, normal.offsets.tolist(), strict=True):
        written = text[start:end]
        yield ((written, word) if word and sum(map(str.isupper, written)) > 1 else (word,)), start, end
