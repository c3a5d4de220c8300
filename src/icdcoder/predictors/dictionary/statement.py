"""The statement around a mention: to the end of a sentence, a semicolon or an empty line, and only so far."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# A full stop behind a capital is none where a name goes on: "E. coli".
_ENDS = r"(?:[;\n]|(?<!\b[A-Z])\.|\.(?!\s[a-z]))\s"
_STATEMENT = re.compile(_ENDS)
_CLAUSE = re.compile(_ENDS + "|,")


def around(text: str, start: int, end: int, reach: int, *, to_comma: bool = False) -> tuple[str, str]:
    """What stands before and behind [start, end) in its statement, each at most `reach` characters."""
    ends = _CLAUSE if to_comma else _STATEMENT
    return ends.split(text[max(0, start - reach) : start])[-1], ends.split(text[end : end + reach])[0]


def near(cues: Iterable[re.Match[str]], reach: int) -> Iterator[tuple[int, int]]:
    """Parts of the text within reach of a cue, apart from each other: where to look for what takes time to find."""
    start = end = -1
    for cue in cues:
        if cue.start() - reach > end:
            if end >= 0:
                yield start, end
            start = max(0, cue.start() - reach)
        end = cue.end() + reach
    if end >= 0:
        yield start, end
