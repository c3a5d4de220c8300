"""Whether a note is in English, as far as its small words and its letters tell."""

from __future__ import annotations

import re
import unicodedata

_ENGLISH = frozenset(
    "the and of with was were is are no not has had have for from which this that he she his her".split()
)
_OTHERS = frozenset(
    "de la el los las una con por que se del para sin der die das und mit von dem den ein eine nicht wurde le les des "
    "et une dans avec est pour du sur qui il "
    "di che con della nel non sono da com uma dos ao não een het van op niet".split()
)
_WORD = re.compile(r"[^\W\d_]+")
_LOOKED_AT = 600
_FEWEST = 12


def not_english(text: str) -> bool:
    """True where the note is, on the evidence of at least a dozen words, in another language.

    A telegraphic English note has few small words of any language and is not taken for another.
    """
    words = [word.lower() for word in _WORD.findall(text)[:_LOOKED_AT]]
    if len(words) < _FEWEST:
        return False
    letters = "".join(words)
    foreign = 0
    if not letters.isascii():
        foreign = sum(not c.isascii() and not unicodedata.name(c, "").startswith("LATIN") for c in letters)
    if foreign > 0.3 * len(letters):
        return True
    others = sum(map(_OTHERS.__contains__, words))
    return others > 0.08 * len(words) and others > 2 * sum(map(_ENGLISH.__contains__, words))
