"""Renaming by pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from icdcoder.core.errors import InputError

# (the whole of a name, what it becomes; None: it has no part in the scores)
Patterns = Sequence[tuple[str, str | None]]


def by_patterns(names: Iterable[str], patterns: Patterns) -> dict[str, str | None]:
    """The first pattern that fits decides. Raises InputError naming what no pattern fits."""
    found: dict[str, str | None] = {}
    unknown = []
    for name in names:
        for pattern, ours in patterns:
            if match := re.fullmatch(pattern, name):
                found[name] = None if ours is None else match.expand(ours)
                break
        else:
            unknown.append(name)
    if unknown:
        raise InputError(
            f"{len(unknown)} weights of the file are none of this model's in its authors' code, {unknown[0]!r} the "
            "first of them; is it of another model?"
        )
    return found
