"""Where a cancer has spread to ("metastatic to the liver, left lung and bones"), which is no primary site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from icdcoder.core.code import Code
from icdcoder.knowledge.metastasis_sites import MetastasisSite, sites
from icdcoder.predictors.dictionary.statement import near
from icdcoder.text.led_pattern import holds_one

_CUES = ("metasta", "mets")
_WORD = re.compile("|".join(_CUES), re.IGNORECASE)
_REACH = 200
# "metastases to", "metastatic disease involving", "metastatic breast cancer to", "has metastasized to", "mets in"
_SPREAD = re.compile(
    r"\b(?:metasta(?:sis|ses|tic|s[ei][sz]ed|si[sz]ing|si[sz]es?)|mets)\b"
    r"(?: (?:disease|spread|lesions?|deposits?|(?:[\w-]+ ){0,3}?(?:cancer|carcinoma|adenocarcinoma|melanoma|tumou?r)"
    r"(?: \([^)\n]{1,30}\))?))?"
    r" (?:to|in|into|involving|throughout) (?=\S)",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:(?:the|his|her|multiple|distant|regional|and|or|as well as|contralateral|possibly)\b[ ,]*|"
    r"\d+ ?(?:/|of|out of) ?\d+ )*",
    re.IGNORECASE,
)
_SIDE = re.compile(
    r"(?P<side>right|left|rt|lt|bilateral|both)\b[ -]*(?:(?:upper|middle|lower) lobe(?: of the)? )?", re.IGNORECASE
)
_NEXT = re.compile(r"[ \n]?(?:,|/|&|;(?= and)|\band\b|\bor\b|\bas well as\b|,? ?\bto\b)[ \n]?", re.IGNORECASE)
# "Liver and bone metastases"; "liver metastases from colon cancer".
_OF_A_LIST = r"[ -](?:metasta[sz][ei]s|metastatic (?:disease|lesions?|deposits?)|mets)\b"
_FROM = re.compile(
    r"\b(?:metasta(?:sis|ses|tic|sized)|mets)(?: (?:disease|lesions?))?(?: (?:in|to|of) [^.,;]{0,30})? "
    r"from\b[^.,;\n]{0,40}",
    re.IGNORECASE,
)
# Of what may be a site the longest wording counts: "bone marrow" is no bone.
_UNKNOWN = re.compile(r"(?!(?:with|who|on|status|s/p)\b)[\w-]+(?: nodes?)?\b")


@dataclass(frozen=True, slots=True)
class Spread:
    """One site, at [start, end) of the text. cue: where the words that say so begin and end."""

    start: int
    end: int
    code: Code
    cue: tuple[int, int]


def spreads(text: str) -> Iterator[Spread]:
    """Each site that the text says a cancer has spread to, in reading order."""
    if not holds_one(text, _CUES):
        return
    for cue in _SPREAD.finditer(text):
        yield from _listed(text, cue.end(), cue.span())
    for start, end in near(_WORD.finditer(text), _REACH):
        for listed in _before().finditer(text, start, end):
            yield from _listed(text, listed.start(), (listed.end("list"), listed.end()), listed.end("list"))


def origins(text: str) -> Iterator[tuple[int, int]]:
    """Where the text says what a metastasis comes from: "metastases from colon cancer"."""
    return (match.span() for match in _FROM.finditer(text)) if holds_one(text, _CUES) else iter(())


def _listed(text: str, start: int, cue: tuple[int, int], stop: int | None = None) -> Iterator[Spread]:
    at: int | None = start
    while at is not None and (stop is None or at < stop):
        site, at = _site(text, at)
        if site is not None:
            yield from (Spread(site[0], site[1], Code("icd10cm", value), cue) for value in site[2])


@lru_cache(maxsize=1)
def _before() -> re.Pattern[str]:
    """Two sites or more before the word for metastases, or one behind "with"; not "cancer of the lung and liver
    metastases"."""
    one = "(?:(?:right|left) )?(?:" + "|".join(site.words.pattern for site in sites()) + ")"
    alone = rf"(?<=with )(?:(?:multiple|bilateral|diffuse|distant|synchronous) )*{one}"
    listed = rf"(?<!of )(?<!the )\b(?P<list>{one}(?:, {one})*(?:,? and |/| & ){one}|{alone}){_OF_A_LIST}"
    return re.compile(listed, re.IGNORECASE)


def _site(text: str, at: int) -> tuple[tuple[int, int, list[str]] | None, int | None]:
    """The site that begins there with its codes, and where the next one of the list does; None where there is none."""
    at = _after(_BEFORE, text, at)
    side = _SIDE.match(text, at)
    begin = side.end() if side else at
    named = [(match.end(), site) for site in sites() if (match := site.words.match(text, begin))]
    if not named:
        # One that is not listed ("the orbit") ends nothing, if the list goes on.
        word = _UNKNOWN.match(text, begin)
        further = _NEXT.match(text, word.end()) if word else None
        return None, further.end() if further else None
    end, site = max(named, key=lambda one: one[0])
    further = _NEXT.match(text, end)
    return (at, end, _sided(site, side["side"].lower() if side else "")), further.end() if further else None


def _sided(site: MetastasisSite, side: str) -> list[str]:
    """Two where it is on both sides (guidelines I.B.13)."""
    right = site.right if side.startswith(("r", "b")) else None
    left = site.left if side.startswith(("l", "b")) else None
    return [code for code in (right, left) if code] or [site.code]


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
