"""Words in a normal form, so that a dictionary's wording meets a clinician's: case, plural, spelling, filler."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from icdcoder.text.memo import Memo

# A stroke inside an abbreviation that is one word: "w/ fever", "w/o", "anemia 2/2 CKD", "d/t", "c/b", "b/l". Only words
# that these may be are looked at again; "w/d", "reflexes: 2/2" and a date are none.
_STROKE = (
    r"/(?:(?<=\b[wW]/)(?:[oO](?:ut|UT)?\b|(?!\w\b))|(?<=\b[dD]/)[tT]\b|(?<=\b[cC]/)[bB]\b|(?<=\b[bB]/)[lL]\b|"
    r"(?<=[A-Za-z),] 2/)2(?= [A-Za-z]))"
)
WORD = rf"[^\W_]+(?:['’]s\b|{_STROKE})?"
"""A word as it is written, with a possessive 's."""
_WRITTEN_WITH_STROKE = {
    "w/": "with",
    "w/o": "without",
    "w/out": "without",
    "d/t": "due",
    "2/2": "due",
    "c/b": "by",
    "b/l": "bilateral",
}

# A word, or a place that no term may cross: the end of a sentence, a blank line, a list item.
# "E. coli" is no end of a sentence.
_TOKEN = re.compile(
    rf"({WORD}|(?:[;:!?]|\.(?!(?<=\b[A-Z]\.) [a-z]))(?=\s|$)|"
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
    ("behaviour", "behavior"),
    ("labour", "labor"),
    ("caesar", "cesar"),
    ("oestr", "estr"),
    ("aetiol", "etiol"),
    ("neurone", "neuron"),
    ("naev", "nev"),
    ("phaeo", "pheo"),
    ("coele", "cele"),
    ("pnoe", "pne"),
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
    # What stands between tokens and the tokens take turns: lengths give the offsets without an object for each match.
    parts = _TOKEN.split(text)
    ends = np.cumsum(np.fromiter(map(len, parts), dtype=np.int64, count=len(parts)))
    words: list[str] = []
    kept: list[int] = []
    for number, word in enumerate(map(_READ.__getitem__, parts[1::2])):
        if not word:
            if not words or not words[-1]:
                continue
        elif word in FILLER and not (word == "a" and _is_a_name(parts, 2 * number + 1, words)):
            continue
        words.append(word)
        kept.append(number)
    return NormalWords(words, ends[:-1].reshape(-1, 2)[kept])


def _is_a_name(parts: list[str], at: int, before: list[str]) -> bool:
    """Whether the "a" that is parts[at] is part of a name (hepatitis A, A-fib) and not the article."""
    return parts[at + 1].startswith("-") or (parts[at] == "A" and bool(before) and before[-1] != "")


@lru_cache(maxsize=200_000)
def normal_form(word: str) -> str:
    """One word: lower case, no accents, American spelling, singular, no possessive; "w/o" is "without"."""
    if "/" in word and (meant := _WRITTEN_WITH_STROKE.get(word.lower())):
        return meant
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
    single = _singular(word)
    # A name that is like a plural of filler ("Hers disease") stays a word.
    return word if single in FILLER else single


def _singular(word: str) -> str:
    if len(word) < 4 or word[-1] != "s" or word.endswith(_KEEP_S):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    for ending, singular in _ENDINGS:
        if word.endswith(ending):
            return word[: -len(ending)] + singular
    return word[:-1]


_READ = Memo(lambda token: normal_form(token) if token[0].isalnum() else "", most=200_000)
"""Token → its normal form, "" for a stop."""
