"""A code above the billable level → the one billable code that says no more than it does."""

from __future__ import annotations

import re

from icdcoder.core.code import Code
from icdcoder.systems import CodeSystem

# What a code may add without saying more. A first visit is what a note is taken to be of.
_ADDS_NOTHING = re.compile(r"\b(?:unspecified|not specified|nos|initial encounter)\b", re.IGNORECASE)
_SAYS_MORE = frozenset(("open", "other", "with", "due"))
_WORD = re.compile(r"\w+")
_LARGEST_FAMILY = 4000


def unspecified_leaf(system: CodeSystem, code: Code) -> Code | None:
    """The only child at each level that is "unspecified" (or the initial encounter), down to a billable code.

    None where a level has no such child, or several.
    """
    for _ in range(_LARGEST_FAMILY):
        if system.is_billable(code):
            return code
        children = system.children(code)
        plain = [c for c in children if _plain(system.description(c), system.description(code))]
        if len(children) == 1:
            plain = list(children)
        if len(plain) != 1:
            return None
        code = plain[0]
    return None


def _plain(description: str, above: str) -> bool:
    """Whether a child adds "unspecified" to its parent's title, and nothing that matters."""
    added = set(_WORD.findall(description.lower())) - set(_WORD.findall(above.lower()))
    more_often = len(_ADDS_NOTHING.findall(description)) > len(_ADDS_NOTHING.findall(above))
    return more_often and _SAYS_MORE.isdisjoint(added)
