"""The words that assert: read from text/data/assertion_triggers.tsv into a tree of words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from itertools import accumulate, product
from typing import Literal, cast, get_args

from icdcoder.text.memo import Memo

Kind = Literal["negated", "historical", "family", "hypothetical", "uncertain", "affirmed", "end", "pseudo"]
Reach = int | Literal["sentence", "clause", "list", "items", "tests"]
"""How far a word reaches: to the end of the sentence, of the clause, of the clauses that are one list of alternatives
with it ("without fever, chills or cough"), over so many words of the clause, or, backward, over the items of an
enumeration ("measles, mumps and rubella were excluded") or of tests ("HIV, HBV, VDRL negative")."""

_REACHES: dict[str, Reach] = {
    "sentence": "sentence",
    "clause": "clause",
    "list": "list",
    "items": "items",
    "tests": "tests",
}
_TOKEN = re.compile(r"(\w+|[^\w\s])")
_WORDS = re.compile(r"<\w+>|\w+|[^\w\s]")
"""Those of a phrase of the data file."""
# A mark, the end of a line, the next column of a table, or the next label ("Fever: no Cough: yes").
_STATEMENT_END = re.compile(r"[ \t]*(?:[.;,)\]\n]|$)|[ \t]{2}|[ \t][A-Z][A-Za-z/]{1,24}:")


@dataclass(frozen=True, slots=True)
class Trigger:
    """One sense of a phrase. ends: the kinds whose reach an "end" stops."""

    kind: Kind
    forward: bool = False
    backward: bool = False
    reach: Reach = "sentence"
    ends: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found at [start, end) of a text, with all its senses."""

    start: int
    end: int
    senses: tuple[Trigger, ...]


@dataclass(slots=True)
class _Node:
    """One more word of a phrase. endings: senses of the phrases that end here, and if they demand <start>, <end>."""

    following: dict[str, _Node] = field(default_factory=dict)
    endings: list[tuple[tuple[Trigger, ...], bool, bool]] = field(default_factory=list)

    def after(self, word: str) -> _Node | None:
        """The node of a phrase that goes on with this word."""
        found = self.following.get(word)
        if found is not None or not word.isdigit():
            return found
        if len(word) == 4 and word.startswith(("19", "20")) and "<year>" in self.following:
            return self.following["<year>"]
        return self.following.get("<number>") if len(word) < 4 else None


class Triggers:
    """A set of phrases. Case and the kind of white space do not matter."""

    def __init__(self, phrases: dict[str, tuple[Trigger, ...]]) -> None:
        self._root = _Node()
        for phrase, senses in phrases.items():
            node = self._root
            for word in _WORDS.findall(phrase.removeprefix("<start>").removesuffix("<end>")):
                following = node.following.get(word)
                if following is None:
                    following = node.following[word] = _Node()
                node = following
            node.endings.append((senses, phrase.startswith("<start>"), phrase.endswith("<end>")))
        self._first = Memo(lambda word: self._root.after(word.lower()), most=200_000)

    def find(self, text: str, start: int = 0, end: int | None = None) -> Iterator[Hit]:
        """Phrases in the sentence [start, end) of a text from left to right, the longest at each place; none overlaps
        another. What stands around the sentence says whether a word begins or a statement ends."""
        # What stands between tokens and the tokens take turns: token i is [bounds[2i + 1], bounds[2i + 2]) of the text.
        parts = _TOKEN.split(text[start:end])
        nodes = enumerate(map(self._first.__getitem__, parts[1::2]))
        begun = [(first, node) for first, node in nodes if node is not None]
        if not begun:
            return
        bounds = list(accumulate(map(len, parts), initial=start))
        words = [word.lower() for word in parts[1::2]]
        free = 0
        for first, node in begun:
            if first < free:
                continue
            last, senses = _longest(text, bounds, words, first, node)
            if senses:
                free = last + 1
                if senses[0].kind != "pseudo":
                    yield Hit(bounds[2 * first + 1], bounds[2 * last + 2], senses)


def _longest(
    text: str, bounds: list[int], words: list[str], first: int, node: _Node
) -> tuple[int, tuple[Trigger, ...]]:
    """The last word and the senses of the longest phrase that begins with word number `first`, whose node is `node`."""
    best: tuple[int, tuple[Trigger, ...]] = (first, ())
    start = bounds[2 * first + 1]
    for at in range(first, len(words)):
        senses: tuple[Trigger, ...] = ()
        for some, at_start, at_end in node.endings:
            fits = not at_start or start == 0 or text[start - 1].isspace()
            if fits and (not at_end or _STATEMENT_END.match(text, bounds[2 * at + 2])):
                senses += some
        if senses:
            best = (at, senses)
        step = node.after(words[at + 1]) if at + 1 < len(words) else None
        if step is None:
            break
        node = step
    return best


@lru_cache(maxsize=1)
def triggers() -> Triggers:
    """Those of the data file; read at the first call."""
    path = files("icdcoder.text") / "data" / "assertion_triggers.tsv"
    return Triggers(read_phrases(path.read_text(encoding="utf-8")))


def read_phrases(table: str) -> dict[str, tuple[Trigger, ...]]:
    """{phrase: its senses} of a table in the format that the data file explains. Raises ValueError where it is not."""
    sets: dict[str, list[str]] = {}
    phrases: dict[str, tuple[Trigger, ...]] = {}
    for line in table.splitlines():
        if not line or line.startswith("#"):
            continue
        kind, direction, reach, listed = line.split("\t")
        if kind == "set":
            sets.setdefault(direction, []).extend(listed.split("|"))
            continue
        trigger = _trigger(kind, direction, reach)
        for template in listed.split("|"):
            for phrase in _expanded(template, sets):
                senses = phrases.get(phrase, ())
                if any((trigger.kind == "pseudo") != (sense.kind == "pseudo") for sense in senses):
                    raise ValueError(f"{phrase!r} cannot be a pseudo-trigger and a trigger.")
                phrases[phrase] = (*senses, trigger)
    return phrases


def _trigger(kind: str, direction: str, reach: str) -> Trigger:
    if kind not in get_args(Kind):
        raise ValueError(f"There is no kind of trigger {kind!r}.")
    kind = cast(Kind, kind)
    if kind == "end":
        return Trigger("end", reach="clause" if reach == "clause" else "sentence", ends=frozenset(direction.split(",")))
    if kind == "pseudo":
        return Trigger("pseudo")
    if direction not in ("forward", "backward", "both") or not (reach in _REACHES or reach.isdigit()):
        raise ValueError(f"A trigger cannot go {direction!r} as far as {reach!r}.")
    return Trigger(
        kind,
        forward=direction != "backward",
        backward=direction != "forward",
        reach=int(reach) if reach.isdigit() else _REACHES[reach],
    )


def _expanded(template: str, sets: dict[str, list[str]]) -> Iterator[str]:
    """The template with every choice of words for its {sets}."""
    parts = re.split(r"\{(\w+)\}", template)
    choices = [sets[part] if i % 2 else [part] for i, part in enumerate(parts)]
    return ("".join(choice) for choice in product(*choices))
