"""What the alphabetic index adds to the dictionary: its terms as a clinician may write them.

A term's way through the index ("Ulcer, ulcerated", "duodenum", "with", "hemorrhage") is a bag of words; titles that are
forms of one word ("Ulcer, ulcerated") are alternatives, and a nonessential modifier may stand beside them. "See" is
followed to all that stands below its target; "see also" only where the term has no code of its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product

from icdcoder.core.code import Code
from icdcoder.knowledge.index_terms import IndexEntry, IndexReading, IndexReference

# Ways that lead to rest classes, or that only say how a code is found.
_NOT_SAID = re.compile(
    r"\b(?:specified|by site|by type|unspecified|any|multiple sites|see|type of|sites?)\b|affecting|complicating|"
    r"following (?:abortion|ectopic)|\bwith\b.*\bby\b",
    re.IGNORECASE,
)
_REST = re.compile(r"\b(?:NEC|NOS|so stated|except)\b.*$")
# Main terms that are circumstances of care or of an accident, not names of conditions.
_NO_CONDITIONS = frozenset(
    """
    accident admission aftercare assault attention breakdown causing complication complications contact counseling
    delivery encounter examination exposure fitting follow-up forceps history late maltreatment newborn observation
    outcome pregnancy presence problem procedure puerperal screening sequelae status supervision test testing
    """.split()
)
MOST_FORMS = 6
MOST_MODIFIERS = 3
DEEPEST = 5
# How far below a reference's target its terms are taken over.
MOST_BELOW = 1


def wordings(reading: IndexReading) -> Iterator[tuple[str, Code, Code | None]]:
    """(wording, code or category, manifestation) of every term that names a condition."""
    for entry in reading.entries:
        yield from _of(entry.path, entry.modifiers, entry.code, entry.manifestation)
    tree = _Tree(reading.entries)
    with_code = {entry.path for entry in reading.entries}
    for reference in reading.references:
        if not (reference.also and reference.path in with_code):
            yield from _referred(reference, tree)


def _referred(reference: IndexReference, tree: _Tree) -> Iterator[tuple[str, Code, Code | None]]:
    target = tree.path(reference.target)
    if target is None or (len(target) == 1 and len(tree.below[target]) > 400):
        return
    for entry in tree.below[target]:
        below = entry.path[len(target) :]
        if len(below) <= MOST_BELOW:
            yield from _of((*reference.path, *below), (), entry.code, entry.manifestation)


class _Tree:
    """Where a reference's target stands, and what stands below it."""

    def __init__(self, entries: Sequence[IndexEntry]) -> None:
        self.below: dict[tuple[str, ...], list[IndexEntry]] = defaultdict(list)
        self._named: dict[tuple[tuple[str, ...], str], tuple[str, ...]] = {}
        for entry in entries:
            for depth in range(1, len(entry.path) + 1):
                path = entry.path[:depth]
                self.below[path].append(entry)
                for name in {path[-1].lower(), *(form.lower() for form in forms(path[-1]))}:
                    self._named.setdefault((path[:-1], name), path)

    def path(self, target: str) -> tuple[str, ...] | None:
        """The titles from the main term to the target; None where the index has no such term."""
        found: tuple[str, ...] = ()
        for part in target.split(", "):
            following = self._named.get((found, part.lower().removesuffix(" nec").strip()))
            if following is None:
                return None
            found = following
        return found


def _of(
    path: tuple[str, ...], modifiers: tuple[tuple[str, ...], ...], code: Code, manifestation: Code | None
) -> Iterator[tuple[str, Code, Code | None]]:
    main = re.split(r"[\s,]", path[0].lower(), maxsplit=1)[0]
    if main in _NO_CONDITIONS or len(path) > DEEPEST or any(map(_not_said, path)):
        return
    levels = [forms(title) for title in path if title]
    for number, parts in enumerate(product(*levels)):
        if number == MOST_FORMS:
            return
        text = " ".join(part for part in parts if part)
        yield text, code, manifestation
        if number == 0:
            for modifier in [word for level in modifiers for word in level][:MOST_MODIFIERS]:
                yield f"{text} {modifier}", code, manifestation


@lru_cache(maxsize=100_000)
def _not_said(title: str) -> bool:
    return bool(_NOT_SAID.search(title))


@lru_cache(maxsize=100_000)
def forms(title: str) -> tuple[str, ...]:
    """The alternatives of a title: forms of one word, and both sides of "or"; else the title, its comma taken out."""
    bare = _REST.sub("", title).strip(" ,")
    parts = [part.strip() for part in bare.split(",")]
    if len(parts) > 1 and all(" " not in part and part[:3].lower() == parts[0][:3].lower() for part in parts):
        return tuple(parts)
    text = " ".join(parts)
    found = re.match(r"(?P<head>.*?)(?P<one>\S+) or (?P<two>\S+)(?P<tail>.*)$", text)
    if found:
        return tuple(found["head"] + found[name] + found["tail"] for name in ("one", "two"))
    return (text,)
