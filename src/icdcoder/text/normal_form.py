"""Words in a normal form, so that a dictionary's wording meets a clinician's: case, plural, spelling, filler."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

# A word (with a possessive 's), or a place that no term may cross: the end of a sentence, a blank line, a list item.
# "E. coli" is no end of a sentence.
_TOKEN = re.compile(
    r"(?P<word>[^\W_]+(?:['’]s\b)?)|(?P<stop>(?:[;:!?]|\.(?!(?<=\b[A-Z]\.) [a-z]))(?=\s|$)|"
    r"\n[ \t]*\r?\n|\n[ \t]*(?:[-*•#]|\d{1,2}[.)])\s|\t)"
)

# Words that carry no meaning of their own inside a term.
FILLER = frozenset("a an the of and or to his her their its patient patients".split())

_BRITISH = (
    ("haem", "hem"),
    ("aemi", "emi"),
    ("oedem", "edem"),
    ("oesoph", "esoph"),
    ("rrhoea", "rrhea"),
    ("pnoea", "pnea"),
    ("paed", "ped"),
    ("gynaec", "gynec"),
    ("caec", "cec"),
    ("faec", "fec"),
    ("foet", "fet"),
    ("coeli", "celi"),
    ("tumour", "tumor"),
    ("colour", "color"),
    ("fibre", "fiber"),
    ("litre", "liter"),
    ("leuco", "leuko"),
    ("sulph", "sulf"),
    ("ischaem", "ischem"),
    ("anaesth", "anesth"),
    ("orrhoid", "orrhoid"),
    ("isation", "ization"),
)
# Plurals that end in -es and keep their stem's e or double s, told apart by their ending.
_ENDINGS = (
    ("eases", "ease"),
    ("uses", "us"),
    ("oses", "osis"),
    ("yses", "ysis"),
    ("tases", "tasis"),
    ("gnoses", "gnosis"),
    ("sses", "ss"),
    ("ses", "se"),
    ("xes", "x"),
    ("ches", "ch"),
    ("shes", "sh"),
)
# Abbreviations in capitals up to this length may end in an S of their own (HLHS).
_SHORT = 4
_KEEP_S = ("ss", "us", "is", "as", "os")


@dataclass(frozen=True, slots=True)
class NormalWords:
    """words: normal forms in order; "" where no term may cross. offsets: "word 2", [start, end) into the text."""

    words: list[str]
    offsets: npt.NDArray[np.int64]


def normal_words(text: str) -> NormalWords:
    """The text's words in normal form, without filler, with breaks."""
    words: list[str] = []
    spans: list[tuple[int, int]] = []
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "stop":
            if words and words[-1]:
                words.append("")
                spans.append(match.span())
            continue
        word = normal_form(match.group())
        if word not in FILLER or (word == "a" and _is_a_name(text, match, words)):
            words.append(word)
            spans.append(match.span())
    return NormalWords(words, np.asarray(spans, dtype=np.int64).reshape(-1, 2))


def _is_a_name(text: str, match: re.Match[str], before: list[str]) -> bool:
    """Whether an "a" is part of a name (hepatitis A, A-fib) and not the article."""
    follows = text[match.end() : match.end() + 1]
    return follows == "-" or (match.group() == "A" and bool(before) and before[-1] != "")


@lru_cache(maxsize=200_000)
def normal_form(word: str) -> str:
    """One word: lower case, no accents, American spelling, singular, no possessive."""
    if len(word) <= _SHORT and word.isupper():
        return word.lower()
    word = word.lower()
    if word.endswith(("'s", "’s")):
        word = word[:-2]
    if not word.isascii():
        word = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    for british, american in _BRITISH:
        if british in word:
            word = word.replace(british, american)
    return _singular(word)


def _singular(word: str) -> str:
    if len(word) < 4 or word[-1] != "s" or word.endswith(_KEEP_S):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    for ending, singular in _ENDINGS:
        if word.endswith(ending):
            return word[: -len(ending)] + singular
    return word[:-1]
