"""JSON as models write it: also with single quotes, with commas before a bracket that closes, or cut at the end."""

from __future__ import annotations

import json
import re
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[][{},:])|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.|'(?=\w))*)'"""
    r"""|(?P<word>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null)(?![\w.]))""",
    re.DOTALL,
)
_CLOSES = {"{": "}", "[": "]"}
# Numbers with a dot stay as they are written: 250.00 is a code, and 250.0 another.
_DECODER = json.JSONDecoder(parse_float=str, strict=False)


def decode(text: str, start: int) -> tuple[Any, int]:
    """(the value whose bracket opens at `start`, where it ends). Of a value that was cut, or goes on as no JSON does,
    all that was complete. Raises ValueError or RecursionError where that is nothing."""
    try:
        return _DECODER.raw_decode(text, start)
    except ValueError:
        mended, end = _mended(text, start)
        return _DECODER.decode(mended), end


def _mended(text: str, start: int) -> tuple[str, int]:
    """(JSON, where it ends in the text). Raises ValueError where no value was complete."""
    written: list[str] = []
    open_: list[str] = []
    # How much of `written` ends with a complete value, what is open there, and where that is in the text.
    good: tuple[int, tuple[str, ...], int] | None = None
    at, names, before = start, False, ""
    while token := _TOKEN.match(text, at):
        at = token.end()
        mark = token["mark"]
        if mark in _CLOSES:
            open_.append(mark)
            written.append(mark)
            names = mark == "{"
        elif mark in ("}", "]"):
            if mark != _CLOSES[open_.pop()]:
                break
            if before == ",":
                written.pop()
            written.append(mark)
            good = (len(written), tuple(open_), at)
            names = False
            if not open_:
                break
        elif mark:
            written.append(mark)
            names = mark == "," and open_[-1] == "{"
        else:
            written.append(_scalar(token))
            if not names:
                good = (len(written), tuple(open_), at)
        before = mark or "value"
    if good is None:
        raise ValueError("nothing was complete")
    count, left, end = good
    return "".join(written[:count]) + "".join(_CLOSES[mark] for mark in reversed(left)), end


def _scalar(token: re.Match[str]) -> str:
    if token["word"]:
        return token["word"]
    if token["double"] is not None:
        return f'"{token["double"]}"'
    inner = token["single"].replace("\\'", "'")
    return '"' + re.sub(r'(?<!\\)"', r"\"", inner) + '"'
