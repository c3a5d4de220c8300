"""How a term is written where it was found: as an abbreviation is, in one piece, or put together from words that do not
belong together."""

from __future__ import annotations

import re

from icdcoder.predictors.dictionary.compiled import Sense
from icdcoder.predictors.dictionary.terms import Source

# Abbreviations with a vowel that are written in small letters too, and are no English words.
_SMALL_TOO = frozenset(
    """
    aaa afib aki ards arf bka aka cabg cad chf copd cva cvas dka ekg esrd etoh gerd gib hypok icd icu ida iddm niddm
    iugr lbbb mets mrsa nstemi osa pna pvd pyelo ra rhabdo rsv scd stemi tia tias uri uti utis vfib vtach
    """.split()
)
_VOWEL = re.compile("[aeiouy]")
# Abbreviations that are English words or names too: in a text in capitals they are read as those.
_WORDS_TOO = frozenset(
    """
    abe ace add age aid ali all am ama an ana and any are arm art as at ate bad bag bal bat be bed big boo but by can
    cap car cat circ cold cup cut dad day did do doe dress due ear eat echo end eye far fat few foley for gave get gist
    go had hap has hat he head her him his hit hot how ian ice ida if in is it its joe lab led let lie low mac man map
    mat may me men met mom most mud my nash net new no now off oil old on one or our out own pad page pain pan past
    pat pea peg per pet pick pie pit plan post pot pres put ran rap rat raw red rest rib rod ross row run sad sam sat
    saw see set she side sip sit six so son sue sum sun swan tan tea tee ten the tie tim tip to toe told tom too two up
    us use van vater via vie wait was way we web who why yes yet you
    """.split()
)
# Letters apart ("H/A", "N/V") are an abbreviation only in capitals.
_SHORT = 4
# A term that goes over a comma or a bracket is a looser reading, like one with a word in between.
ASIDE = re.compile("[,()]")
# So is one of the tables, whose words are found in any order, that ends with an adjective of what stands behind it
# ("displacement of the renal vessels", "lesion at the splenic flexure"), and one that goes over an "and" ("sinuses and
# abdominal"): of the index always, of titles where other words stand between as well.
_OF_TABLES = (Source.DESCRIPTION, Source.INCLUSION, Source.INDEX, Source.HEADING)
_AND = re.compile(r"&|/|\b(?:and|or)\b", re.IGNORECASE)
_GOES_ON = re.compile(
    r"(?:(?<=al)|(?<=ar)|(?<=ary)|(?<=ory)|(?<=ic)|(?<=ous)|(?<=oid)|(?<=ive)|(?<=uterine)) "
    r"(?!(?:after|and|are|area|as|at|by|during|due|for|from|had|has|in|is|of|on|or|origin|region|secondary|since|that|then|to|was|"
    r"were|when|which|who|with|without)\b)[a-z]{3}|[- ]free\b"
)
_NON = re.compile(r"\b(?:non|mid)[- ]$", re.IGNORECASE)


def is_written_so(sense: Sense, text: str, shouting: bool) -> bool:
    """Whether an abbreviation is written as one: "GAVE" and "PsA", but not "gave" and "Does"."""
    if sense.source != Source.ABBREVIATION:
        return True
    capitals = sum(map(str.isupper, text))
    if sense.words > 1:
        return capitals > 1 or len(text) > _SHORT
    lower = text.lower()
    if (capitals >= 2 or text.isupper()) and not (shouting and lower in _WORDS_TOO):
        return True
    return lower in _SMALL_TOO or (len(lower) > 2 and not _VOWEL.search(lower))


def is_loose(text: str, start: int, end: int, source: Source, gaps: int) -> bool:
    """Whether a term of the tables was put together from what does not belong together."""
    if source not in _OF_TABLES:
        return False
    if _GOES_ON.match(text, end) or _NON.search(text, max(0, start - 4), start):
        return True
    return (gaps > 0 or source >= Source.INDEX) and _AND.search(text, start, end) is not None
