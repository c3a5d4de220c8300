"""Which windows of a note's words are terms of the dictionary, and which of them only seem to be one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from icdcoder.predictors.dictionary.compiled import Dictionary
from icdcoder.predictors.dictionary.words import TermWords
from icdcoder.text.term_index import Match

# A term does not reach over these words.
_BARRIERS = frozenset(
    """
    no not free without denied denies deny negative never nor but however although except although absence ruled rule
    versus vs who he she then after before when while until if either worse worsen radiate radiating
    radiated
    """.split()
)
# Words between those of a list, and between a term's words.
_LISTED = re.compile(r"[,;]|\band\b|&")
# At the end of a match, behind "due to", these speak of what follows: "respiratory failure due to acute ..."
_OF_WHAT_FOLLOWS = frozenset("acute chronic subacute severe recurrent congenital primary left right".split())
# What may be of a condition of any chapter: injuries, complications, histories.
_OF_ANOTHER = frozenset(("icd10cm:S", "icd10cm:T", "icd10cm:Z"))
_CAUSED = re.compile(r"\b(?:due|from|caused|secondary)\b")
_CONNECTED = re.compile(r"[,;]|\b(?:and|with|due|by|in|from|on|for|into|of)\b|&")


def matches(text: str, words: TermWords, dictionary: Dictionary, gaps: int) -> list[Match]:
    """Matches by their first word, a longer one before those inside it. One is left out where it goes over a word that
    ends a statement, or from one term into the next ("cancer of the lung, liver metastases")."""
    windows = dictionary.index.find(words.words, gaps=gaps, nested=True)
    terms_at: dict[int, list[Match]] = {}
    for match in windows:
        if not match.gaps and not match.nested and match.last > match.first:
            for at in range(match.first, match.last + 1):
                terms_at.setdefault(at, []).append(match)
    found: list[Match] = []
    exact: list[Match] = []
    dropped: list[Match] = []
    longer = Match(0, -1, 0)
    for match in sorted(windows, key=lambda m: (m.first, -m.last, m.gaps)):
        if match.last > match.first:
            # A condition without another does not begin with the other, nor end before it: "without fever, chills".
            if "without" in (words.words.words[match.first], words.words.words[match.last]):
                dropped.append(match)
                continue
            if _joins_terms(text, words, match, terms_at):
                dropped.append(match)
                continue
            if words.words.words[match.last] in _OF_WHAT_FOLLOWS and _within(_CAUSED, text, words, match):
                continue
            if match.gaps:
                if not _BARRIERS.isdisjoint(words.words.words[match.first + 1 : match.last]):
                    continue
                if _begins_another(match, terms_at, dictionary) and not _within(_CAUSED, text, words, match):
                    continue
                if match.last <= longer.last and _size(match) < _size(longer):
                    match = match._replace(nested=True)
                elif not match.nested:
                    longer = match
        if not match.gaps:
            # What overlaps hides from the index that one is inside the other.
            inside = _inside(match, exact[-4:])
            if inside != match.nested and (inside or _inside(match, dropped[-3:])):
                match = match._replace(nested=inside)
            exact.append(match)
        found.append(match)
    return found


def _inside(match: Match, others: Sequence[Match]) -> bool:
    return any(o.first <= match.first and match.last <= o.last and _size(match) < _size(o) for o in others)


def _joins_terms(text: str, words: TermWords, match: Match, terms_at: dict[int, list[Match]]) -> bool:
    """Whether a match goes from one term into the next: cuts off the end of one that begins before it, or the beginning
    of one that goes on behind it."""
    first, last = terms_at.get(match.first), terms_at.get(match.last)
    if match.gaps and first and last and first[-1] is not last[-1]:
        return True
    before = [one for one in first or () if one.first < match.first and one.last < match.last]
    behind = [one for one in last or () if match.first < one.first and match.last < one.last]
    if not before and not behind:
        return False
    before = [one for one in before if not _within(_CONNECTED, text, words, one)]
    behind = [one for one in behind if not _within(_CONNECTED, text, words, one)]
    if (before and behind) or (match.gaps and behind):
        return True
    return bool(before or behind) and _within(_LISTED, text, words, match)


def _begins_another(match: Match, terms_at: Mapping[int, Sequence[Match]], dictionary: Dictionary) -> bool:
    """Whether a match that jumps over words begins with a term of another chapter: "hypertrophic scar of the breast"
    is no hypertrophy of the breast."""
    begun = [one for one in terms_at.get(match.first, ()) if one.first == match.first and one.last < match.last]
    if not begun:
        return False
    own = _chapters(match, dictionary)
    return bool(own - _OF_ANOTHER) and all(own.isdisjoint(_chapters(one, dictionary) or own) for one in begun)


def _chapters(match: Match, dictionary: Dictionary) -> set[str]:
    """The systems and first letters of the codes of a term."""
    codes = (dictionary.codes[sense.code] for sense in dictionary.senses(match.term))
    return {code[: code.index(":") + 2] for code in codes}


def _within(pattern: re.Pattern[str], text: str, words: TermWords, match: Match) -> bool:
    offsets = words.words.offsets
    return pattern.search(text, int(offsets[match.first][0]), int(offsets[match.last][1])) is not None


def _size(match: Match) -> int:
    return match.last - match.first + 1 - match.gaps
