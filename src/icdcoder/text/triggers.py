"""The words that assert: read from text/data/assertion_triggers.tsv into a tree of words, walked once a note."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from itertools import product
from typing import Literal, cast, get_args

Kind = Literal["negated", "historical", "family", "hypothetical", "uncertain", "affirmed", "end", "pseudo"]
Reach = int | Literal["sentence", "clause"]
"""How far a word reaches: to the end of the sentence, of the clause, or over so many words of the clause."""

_TOKEN = re.compile(r"\w+|[^\w\s]")
_STATEMENT_END = re.compile(r"[ \t]*(?:[.;,)\]\n]|$)")


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


class Triggers:
    """A set of phrases. Case and the kind of white space do not matter."""

    def __init__(self, phrases: dict[str, tuple[Trigger, ...]]) -> None:
        self._root = _Node()
        for phrase, senses in phrases.items():
            node = self._root
            words = phrase.removeprefix("<start>").removesuffix("<end>")
            for word in re.findall(r"<\w+>|\w+|[^\w\s]", words):
                node = node.following.setdefault(word, _Node())
            node.endings.append((senses, phrase.startswith("<start>"), phrase.endswith("<end>")))

    def find(self, text: str, sentence_starts: Sequence[int]) -> Iterator[Hit]:
        """Phrases from left to right, the longest at each place; none overlaps another or leaves its sentence."""
        spans = [match.span() for match in _TOKEN.finditer(text)]
        words = [text[start:end].lower() for start, end in spans]
        first_words = self._root.following
        i = 0
        while i < len(words):
            if words[i] not in first_words and not words[i].isdigit():
                i += 1
                continue
            last, senses = self._longest(text, spans, words, i, sentence_starts)
            if senses and senses[0].kind != "pseudo":
                yield Hit(spans[i][0], spans[last][1], senses)
            i = last + 1 if senses else i + 1

    def _longest(
        self, text: str, spans: list[tuple[int, int]], words: list[str], first: int, sentence_starts: Sequence[int]
    ) -> tuple[int, tuple[Trigger, ...]]:
        """The last word and the senses of the longest phrase that begins with word number `first`."""
        node, at = self._root, first
        best: tuple[int, tuple[Trigger, ...]] = (first, ())
        following = bisect_right(sentence_starts, spans[first][0])
        limit = sentence_starts[following] if following < len(sentence_starts) else len(text)
        while at < len(words) and spans[at][0] < limit:
            step = node.following.get(words[at]) or _number(node, words[at])
            if step is None:
                break
            node = step
            senses: tuple[Trigger, ...] = ()
            for some, at_start, at_end in node.endings:
                fits = not at_start or spans[first][0] == 0 or text[spans[first][0] - 1].isspace()
                if fits and (not at_end or _STATEMENT_END.match(text, spans[at][1])):
                    senses += some
            if senses:
                best = (at, senses)
            at += 1
        return best


def _number(node: _Node, word: str) -> _Node | None:
    if not word.isdigit():
        return None
    if len(word) == 4 and word.startswith(("19", "20")) and "<year>" in node.following:
        return node.following["<year>"]
    return node.following.get("<number>") if len(word) < 4 else None


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
    if direction not in ("forward", "backward", "both") or not (reach in ("sentence", "clause") or reach.isdigit()):
        raise ValueError(f"A trigger cannot go {direction!r} as far as {reach!r}.")
    return Trigger(
        kind,
        forward=direction != "backward",
        backward=direction != "forward",
        reach=int(reach) if reach.isdigit() else "clause" if reach == "clause" else "sentence",
    )


def _expanded(template: str, sets: dict[str, list[str]]) -> Iterator[str]:
    """The template with every choice of words for its {sets}."""
    parts = re.split(r"\{(\w+)\}", template)
    choices = [sets[part] if i % 2 else [part] for i, part in enumerate(parts)]
    return ("".join(choice) for choice in product(*choices))
