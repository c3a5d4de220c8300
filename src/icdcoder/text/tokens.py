"""Words with offsets. Each published system cuts words by a rule of its own; each rule is one function here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

_WORD = re.compile(r"\w+")
# ASCII text: what is no part of a word becomes a blank, capitals become small.
_ASCII = bytes(ord(chr(i).lower()) if i < 128 and _WORD.match(chr(i)) else 32 for i in range(256))
_ASCII_AND_ZEROS = _ASCII.replace(b" ", b"\0")


@dataclass(frozen=True, slots=True)
class Tokens:
    """texts: tokens in order, as the rule spells them. offsets: "token 2", [start, end) into the text they were cut
    from, which may hold another spelling (capitals)."""

    texts: list[str] = field(repr=False)
    offsets: npt.NDArray[np.int32] = field(repr=False)

    def __len__(self) -> int:
        return len(self.texts)


def words(text: str) -> Tokens:
    r"""The rule of CAML (Mullenbach et al. 2018): runs of \w, without those that are numbers throughout, lower-cased.

    "250mg" stays, "500" goes, and so does "½", which Unicode calls numeric; an underscore counts as a letter.
    """
    texts: list[str] = []
    bounds: list[int] = []
    for match in _WORD.finditer(text):
        token = match[0]
        if not token.isnumeric():
            texts.append(token.lower())
            bounds += match.span()
    return Tokens(texts, np.array(bounds, dtype=np.int32).reshape(-1, 2))


def raw_words(text: str) -> list[str]:
    """The words that `words` begins with, several times as quick: numbers are still there, and text that is not ASCII
    throughout keeps its capitals. `kept_word` of each gives what `words` gives."""
    if text.isascii():
        return blanked(text).decode("ascii").split()
    return _WORD.findall(text)


def found_by(pattern: re.Pattern[str]) -> Callable[[str], list[str]]:
    """`pattern.findall` of a pattern for runs of characters of one kind, several times as quick on text in Latin-1."""
    kept = bytes(i if pattern.fullmatch(chr(i)) else 32 for i in range(256))

    def find(text: str) -> list[str]:
        try:
            return text.encode("latin-1").translate(kept).decode("latin-1").split()
        except UnicodeEncodeError:
            return pattern.findall(text)

    return find


def cut_by_zeros(text: str) -> bytes:
    """As `blanked`, with a zero byte in the place of a blank."""
    return text.encode("ascii").translate(_ASCII_AND_ZEROS)


def blanked(text: str) -> bytes:
    """ASCII text in small letters, a blank for each character that is no part of a word."""
    return text.encode("ascii").translate(_ASCII)


def kept_word(raw: str) -> str | None:
    r"""A run of \w as `words` spells it, None where it leaves it out."""
    return None if raw.isnumeric() else raw.lower()
