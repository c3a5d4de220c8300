"""How each published system cuts a note into words, as functions of one form: text → words with offsets.

The offsets always point into the text that was given, however the words are spelled, so that evidence can be shown.
Sentence splitting (LAAT, MSMN) parts text at white space only and changes no word, and is left out.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from functools import cache, lru_cache

import numpy as np

from icdcoder.core.errors import ConfigError, did_you_mean
from icdcoder.text.tokens import Tokens, blanked, words

Rule = Callable[[str], Tokens]

_WORD = re.compile(r"\w+")
_BLANKLESS = re.compile(r"\S+")
# Characters that `str.lower` makes ASCII letters of: the Kelvin sign is a k, and İ is an i with a separate dot, where
# the word of an ASCII rule ends.
_ASCII_WORD = re.compile("[A-Za-z0-9\u212a]*\u0130|[A-Za-z0-9\u212a]+")

_STOP_WORDS = frozenset(
    """i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself
    it its itself they them their theirs themselves what which who whom this that these those am is are was were be
    been being have has had having do does did doing a an the and but if or because as until while of at by for with
    about against between into through during before after above below to from up down in out on off over under again
    further then once here there when where why how all any both each few more most other some such no nor not only
    own same so than too very can will just don should now""".split()
)
# Words of the paper's own list: the headings of a discharge summary.
_HEADING_WORDS = frozenset(
    """admission birth date discharge service sex patient name history hospital last first course past day one family
    chief complaint""".split()
)
_PUNCTUATION = str.maketrans(dict.fromkeys(string.punctuation.replace("-", ""), " "))


def raw(text: str) -> Tokens:
    """Runs of characters that are no white space, as they stand."""
    return _tokens([(match[0], *match.span()) for match in _BLANKLESS.finditer(text)])


def caml(text: str) -> Tokens:
    r"""Mullenbach et al. 2018: runs of \w in small letters, without those that are numbers throughout."""
    return words(text)


def msmn(text: str) -> Tokens:
    """Yuan et al. 2022: the words of CAML, cut after the text was split at blank lines and sentence ends."""
    return words(text)


def laat(text: str) -> Tokens:
    r"""Vu et al. 2020: runs of \w in small letters, those that hold a letter. "____" goes, which CAML keeps."""
    found = ((match[0], *match.span()) for match in _WORD.finditer(text))
    return _tokens([(w.lower(), a, b) for w, a, b in found if any(map(str.isalpha, w))])


def edin(text: str) -> Tokens:
    """Edin et al. 2023: runs of ASCII letters and digits in small letters; numbers are left out where white space (or
    what became white space) stands on both sides, so that one at the very start or end of the note stays.

    An underscore and a letter with an accent part words. The rule runs over the note in small letters.
    """
    found = [(match[0].lower().removesuffix("\u0307"), *match.span()) for match in _ASCII_WORD.finditer(text)]
    last = len(found) - 1
    length = len(text)
    return _tokens(
        [
            (word, start, end)
            for place, (word, start, end) in enumerate(found)
            if not word.isdigit() or (place == 0 and start == 0) or (place == last and end == length)
        ]
    )


def transicd(text: str) -> Tokens:
    """Biswas et al. 2021: words at white space after punctuation but the hyphen became blanks; stemmed (Snowball);
    without numbers, words of one or two characters, and stop words; hyphens and digits at the end of a word are
    dropped, other digits become "n".

    Stop words are English function words and the paper's own list, compared with the *stems* as the authors do, so
    that "hospit" stays. Their function words are NLTK's, of which contracted forms ("don't", cut at the apostrophe)
    are not repeated here. The authors clean report and addenda one by one; here the last word of a document, and not
    that of each of its notes, keeps its digits as "n". Needs the extra [words].
    """
    stem = _stemmer()
    lowered = text.lower()
    if len(lowered) != len(text):
        # One character of Unicode becomes two in small letters (İ); it is taken as one, so that offsets stay.
        lowered = "".join(low if len(low := char.lower()) == 1 else low[0] for char in text)
    kept = []
    for match in _BLANKLESS.finditer(lowered.translate(_PUNCTUATION)):
        word = stem(match[0])
        if len(word) > 2 and not word.isnumeric() and word not in _STOP_WORDS and word not in _HEADING_WORDS:
            kept.append((word.replace("-", ""), *match.span()))
    spelled = []
    for place, (word, start, end) in enumerate(kept):
        word = word if place == len(kept) - 1 else word.rstrip(string.digits)
        if word:
            spelled.append((re.sub(r"\d", "n", word), start, end))
    return _tokens(spelled)


RULES: dict[str, Rule] = {
    "caml": caml,
    "edin": edin,
    "laat": laat,
    "transicd": transicd,
    "msmn": msmn,
    "raw": raw,
}
NAMES = tuple(RULES)


def named(rule: str) -> Rule:
    """The rule of that name; "words" is the older name of "caml". Raises ConfigError."""
    found = RULES.get("caml" if rule == "words" else rule)
    if found is None:
        raise ConfigError(
            f"There is no text rule {rule!r}.{did_you_mean(rule, list(NAMES))} Known: {', '.join(NAMES)}."
        )
    return found


def spelt(rule: str) -> Callable[[str], list[str]]:
    """The words of `named(rule)` without their offsets, several times as quick where the text is ASCII throughout."""
    whole, quick = named(rule), _QUICK.get(rule)

    def spell(text: str) -> list[str]:
        return quick(text) if quick and text.isascii() else whole(text).texts

    return spell


def _edin_of_ascii(text: str) -> list[str]:
    found = text.encode("ascii").translate(_ALPHANUMERIC).decode("ascii").split()
    kept = [word for word in found if not word.isdigit()]
    if found and found[0].isdigit() and text[0].isdigit():
        kept.insert(0, found[0])
    if len(found) > 1 and found[-1].isdigit() and text[-1].isdigit():
        kept.append(found[-1])
    elif len(found) == 1 and not kept and text[-1].isdigit():
        kept = found
    return kept


def _laat_of_ascii(text: str) -> list[str]:
    return [word for word in blanked(text).decode("ascii").split() if word.strip(_NO_LETTERS)]


_NO_LETTERS = string.digits + "_"
_ALPHANUMERIC = bytes(ord(chr(i).lower()) if i < 128 and chr(i).isalnum() else 32 for i in range(256))
_QUICK: dict[str, Callable[[str], list[str]]] = {"edin": _edin_of_ascii, "laat": _laat_of_ascii, "raw": str.split}


@cache
def _stemmer() -> Callable[[str], str]:
    from icdcoder.core.components import extra_named

    with extra_named("the text rule transicd"):
        import snowballstemmer
    # Notes repeat their words: each form is stemmed once.
    return lru_cache(maxsize=500_000)(snowballstemmer.stemmer("english").stemWord)


def _tokens(found: list[tuple[str, int, int]]) -> Tokens:
    offsets = np.array([(start, end) for _, start, end in found], dtype=np.int32).reshape(-1, 2)
    return Tokens([word for word, _, _ in found], offsets)
