"""What a note asserts of a condition that it mentions: present, denied, past, a relative's, only thought of.

The algorithm is ConText (Harkema et al. 2009, after NegEx, Chapman et al. 2001), written anew: trigger words have a
direction and a reach; the reach ends with the sentence, at words such as "but", and where another trigger of the same
kind of statement takes over. The words are data (text/data/assertion_triggers.tsv, text/triggers.py). Added here: a
reach to the end of the clause, so that "possible pneumonia, hypertension" leaves the hypertension certain; and a
clause that has a trigger of its own behind it ("no fever, cough present") is taken out of the reach of one before it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from icdcoder.text.sections import Section
from icdcoder.text.sentences import sentence_starts
from icdcoder.text.triggers import Hit, Trigger, triggers

Status = Literal["affirmed", "negated", "historical", "family", "hypothetical", "uncertain"]

_SECTION_STATUS: dict[str, Status] = {"family_history": "family", "past_surgical_history": "historical"}
# Where several hold, the first is given.
_PRIORITY: tuple[Status, ...] = ("negated", "family", "hypothetical", "uncertain", "historical")
_STATUS_OF: dict[str, Status] = {status: status for status in _PRIORITY}
# Of these one replaces the other; whose it is and when it was are statements of their own.
_CERTAINTY = frozenset(("negated", "hypothetical", "uncertain", "affirmed"))
_CLAUSE_BREAK = re.compile(r"[,:()\[\]]|\s--?\s")
# What an item of a list holds before the next one, and the beginning of its last one.
_ITEM_WORDS = 5
_LAST_ITEM = re.compile(rf"\W*(?:\w\S*\s+){{0,{_ITEM_WORDS}}}?(?:or|nor)\b", re.IGNORECASE)
_AND = re.compile(r"\band\b|&", re.IGNORECASE)
_LAST_OF_ITEMS = re.compile(r"\b(?:and|or|nor)\b|&", re.IGNORECASE)
# In an item it tells that something is said there, and the enumeration has not begun yet.
_SAYS = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|with|shows?|showed|revealed|on|positive|pos|known|history|hx|due|he|she|"
    r"patient|diagnosed|treated|infection|disease|pneumonia|sepsis|(?!hepat)\w+itis|chronic|elevated|raised|high|low|normal|but)\b|\d{2}",
    re.IGNORECASE,
)
# What is looked for by a test of blood or of a sample.
_TEST = re.compile(
    r"\b(?:HIV|hep(?:atitis)?|HAV|HBV|HCV|HBsAg|RPR|VDRL|syphilis|CMV|EBV|HSV|VZV|herpes|varicella|zoster|influenza|flu|"
    r"RSV|covid\S*|sars\S*|adenovirus|enterovirus|parvovirus|rhinovirus|hMPV|measles|mumps|rubella|toxo\w*|brucella|"
    r"strep\w*|PCR|IgM|IgG|serolog\w*|antigens?|antibod\w+|ANA|ANCA|ENA|dsDNA|cultures?|smear|quantiferon|mantoux|"
    r"screen|tests?|toxin|c\.? ?diff\w*|legionella|mycoplasma|chlamydia|gonorr\w+|malaria|dengue|lyme|bartonella|"
    r"cryptococc\w*|galactomannan|swab)\b",
    re.IGNORECASE,
)
_LIST_WORD = re.compile(r"\b(?:or|nor)\b", re.IGNORECASE)
# Headings that ask for what a condition is made of: what follows is the answer ("Tobacco use: never").
_ASKED = re.compile(
    r"(?:smok|tobacco|alcohol|etoh|(?:illicit |recreational )?drug|substance)(?!.*\bhx\b)", re.IGNORECASE
)
_WORD = re.compile(r"\S+")
# Signs that stand before what they say: "(-) blurred vision (+) headache", and not behind it: "fever (-), cough (+)".
_SIGN_FIRST = re.compile(r"(?:^|[:.;\n])[ \t]*\([-+]\) ?\w")


@dataclass(frozen=True, slots=True)
class Assertion:
    """status of a mention, and the span of the words (or the heading) that say so; None where nothing does."""

    status: Status
    trigger: tuple[int, int] | None = None


_AFFIRMED = Assertion("affirmed")


@dataclass(frozen=True, slots=True)
class _Scope:
    start: int
    end: int
    status: Status
    trigger: tuple[int, int]


class Assertions:
    """The assertions of one text; each sentence is read once, and a mention then costs a look-up in it.

    sections: of the same text (text/sections.py). In a family history what is not denied is a relative's; in a past
    surgical history it is past.

    "historical" is what the note puts into the past in so many words: "history of", "s/p", "previous", "remote", "in
    2004". It does not say that the condition is over: "history of hypertension" is mostly still hypertension, and the
    consumer decides. A past medical history section alone makes nothing historical.
    """

    def __init__(self, text: str, sections: Sequence[Section] | None = None) -> None:
        self._sections = sections or ()
        self._section_starts = [section.start for section in self._sections]
        starts = sentence_starts(text)
        if sections:
            headings = {section.start for section in sections}
            headings.update(section.body_start for section in sections if not _ASKED.match(section.title))
            starts = sorted({*starts, *(at for at in headings if at < len(text))})
        signs_first = "(-)" in text and _SIGN_FIRST.search(text)
        self._text = text.replace("(-)", "[-]").replace("(+)", "[x]") if signs_first else text
        self._starts = starts
        self._scopes: dict[int, list[_Scope]] = {}

    def of(self, start: int, end: int) -> Assertion:
        """The assertion of what stands at [start, end) of the text."""
        scopes = self._scopes_of(bisect_right(self._starts, start) - 1)
        found = {s.status: s for s in reversed(scopes) if s.start <= start and end <= s.end} if scopes else {}
        status: Status | None = next((status for status in _PRIORITY if status in found), None) if found else None
        by_section = self._by_section(start)
        if by_section and (status is None or (by_section.status == "family" and status != "negated")):
            return by_section
        return Assertion(status, found[status].trigger) if status else _AFFIRMED

    def _by_section(self, start: int) -> Assertion | None:
        number = bisect_right(self._section_starts, start) - 1
        if number < 0:
            return None
        section = self._sections[number]
        status = _SECTION_STATUS.get(section.kind)
        return Assertion(status, (section.start, section.body_start)) if status else None

    def _scopes_of(self, number: int) -> list[_Scope]:
        """Those of a sentence, which is read when it is asked for: most hold no mention."""
        found = self._scopes.get(number)
        if found is None:
            following = self._starts[number + 1 : number + 2] or [len(self._text)]
            start, end = self._starts[number], following[0]
            hits = list(triggers().find(self._text, start, end))
            found = self._scopes[number] = _Sentence(self._text, start, end, hits).scopes()
        return found


class _Sentence:
    """One sentence [start, end) of a text with its triggers, in order."""

    def __init__(self, text: str, start: int, end: int, hits: list[Hit]) -> None:
        self._text = text
        self._start = start
        self._end = end
        self._hits = _absorbed(text, hits)
        self._breaks: list[tuple[int, int]] | None = None

    def scopes(self) -> list[_Scope]:
        found = []
        for number, hit in enumerate(self._hits):
            for sense in hit.senses:
                status = _STATUS_OF.get(sense.kind)
                if status is None:
                    continue
                trigger = (hit.start, hit.end)
                if sense.forward and (end := self._reach_forward(number, sense)) > hit.end:
                    found.append(_Scope(hit.end, end, status, trigger))
                if sense.backward and (start := self._reach_backward(number, sense)) < hit.start:
                    found.append(_Scope(start, hit.start, status, trigger))
        return found

    def _reach_forward(self, number: int, sense: Trigger) -> int:
        hit = self._hits[number]
        limit = self._end
        if sense.reach != "sentence":
            limit = self._list_end(hit.end) if sense.reach == "list" else self._next_break(hit.end)
        if isinstance(sense.reach, int):
            limit = _after_words(self._text, hit.end, limit, sense.reach)
        for other in self._hits[number + 1 :]:
            if other.start >= limit:
                break
            for its in other.senses:
                limit = min(limit, self._cut(hit, sense, other, its))
        return limit

    def _cut(self, hit: Hit, sense: Trigger, other: Hit, its: Trigger) -> int:
        """Where the reach of `sense`, going forward from `hit`, is ended by a later trigger."""
        if its.kind == "end":
            apart = its.reach == "sentence" or self._next_break(hit.end) < other.start
            return other.start if apart and sense.kind in its.ends else self._end
        if its.kind == sense.kind:
            # The later one goes on from here as far.
            return other.start if its.forward and its.reach == "sentence" else self._end
        if sense.kind not in _CERTAINTY or its.kind not in _CERTAINTY:
            return self._end
        if its.forward:
            return other.start
        clause = self._previous_break(other.start)
        own = clause > hit.end and not _LIST_WORD.search(self._text, clause, other.start)
        return clause if own else self._end

    def _reach_backward(self, number: int, sense: Trigger) -> int:
        hit = self._hits[number]
        if sense.reach == "list":
            limit = self._list_start(hit.start)
        elif sense.reach == "items":
            limit = self._items_start(hit.start)
        elif sense.reach == "tests":
            limit = self._tests_start(hit.start)
        else:
            limit = self._start if sense.reach == "sentence" else self._previous_break(hit.start)
        if isinstance(sense.reach, int):
            limit = _before_words(self._text, limit, hit.start, sense.reach)
        for other in reversed(self._hits[:number]):
            if other.end <= limit:
                break
            for its in other.senses:
                stops = its.kind == "end" and its.reach == "sentence" and sense.kind in its.ends
                # A screen is a test too: "depression screen is negative".
                takes_over = sense.reach != "tests" and its.backward and {sense.kind, its.kind} <= _CERTAINTY
                if stops or takes_over:
                    limit = max(limit, other.end)
        return limit

    def _list_end(self, at: int) -> int:
        """The end of the list that begins at `at`, where an "or" tells that it is one: "CAD without angina, gout" goes
        on with something new."""
        breaks = [start for start, _ in self._clause_breaks() if start >= at]
        last = breaks[0] if breaks else self._end
        for number, start in enumerate(breaks):
            end = breaks[number + 1] if number + 1 < len(breaks) else self._end
            if self._text[start] != ",":
                break
            if _LAST_ITEM.match(self._text, start + 1, end):
                last = end
            if len(_WORD.findall(self._text, start + 1, end)) > _ITEM_WORDS:
                break
        return last

    def _list_start(self, at: int) -> int:
        """The beginning of the list that ends at `at`: "got tetanus, flu and hepatitis B vaccines". What stands before
        its first item is told from it by the number of words only."""
        if self._text[self._start : at].rstrip().endswith(","):
            return at
        limit = self._previous_break(at)
        start = _before_words(self._text, limit, at, _ITEM_WORDS - 1)
        if start > limit or not _AND.search(self._text, limit, at):
            return start
        while limit > self._start and self._text[limit - 1] == ",":
            item = self._previous_break(limit - 1)
            start = _before_words(self._text, item, limit, _ITEM_WORDS - 3)
            if start > item:
                break
            limit = item
        return start

    def _items_start(self, at: int) -> int:
        """The beginning of the enumeration that ends at `at` with "and" or "or" before its last item."""
        limit = self._previous_break(at)
        if not _LAST_OF_ITEMS.search(self._text, limit, at):
            return limit
        while limit > self._start and self._text[limit - 1] == ",":
            item = self._previous_break(limit - 1)
            if len(_WORD.findall(self._text, item, limit)) > _ITEM_WORDS or _SAYS.search(self._text, item, limit):
                break
            limit = item
        return limit

    def _tests_start(self, at: int) -> int:
        """The beginning of the tests that end at `at`; three words where what stands there is none."""
        limit = start = at
        while start == at or self._text[start - 1] == ",":
            start = self._previous_break(start if start == at else start - 1)
            letter = len(self._text[start:limit].strip(" ,")) == 1  # "hepatitis A, B and C negative"
            if not (letter or _TEST.search(self._text, start, limit)) or _SAYS.search(self._text, start, limit):
                break
            limit = start
        return limit if limit < at else _before_words(self._text, self._previous_break(at), at, 3)

    def _next_break(self, at: int) -> int:
        return next((start for start, _ in self._clause_breaks() if start >= at), self._end)

    def _previous_break(self, at: int) -> int:
        """The end of the last clause break that leaves something between it and `at`."""
        before = [end for _, end in self._clause_breaks() if self._text[end:at].strip()]
        return before[-1] if before else self._start

    def _clause_breaks(self) -> list[tuple[int, int]]:
        if self._breaks is None:
            self._breaks = [match.span() for match in _CLAUSE_BREAK.finditer(self._text, self._start, self._end)]
        return self._breaks


def _absorbed(text: str, hits: list[Hit]) -> list[Hit]:
    """Without doubts that stand just after a negation: "no suspected fracture" denies the fracture."""
    kept: list[Hit] = []
    for hit in hits:
        if kept and not text[kept[-1].end : hit.start].strip():
            after_negation = any(sense.kind == "negated" and sense.forward for sense in kept[-1].senses)
            if after_negation and all(sense.kind in ("uncertain", "hypothetical") for sense in hit.senses):
                continue
        kept.append(hit)
    return kept


def _after_words(text: str, start: int, limit: int, words: int) -> int:
    for match in _WORD.finditer(text, start, limit):
        words -= 1
        if words == 0:
            return match.end()
    return limit


def _before_words(text: str, limit: int, end: int, words: int) -> int:
    starts = [match.start() for match in _WORD.finditer(text, limit, end)]
    return starts[-words] if len(starts) > words else limit
