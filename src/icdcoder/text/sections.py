"""Sections: where the headings of a note are, and of what kind. Sections tile the note: no gap, no overlap.

Only known headings begin a section (text/data/section_headers.tsv): "Sodium: 134" and the title of a problem in a
hospital course stay in the section they stand in. A known heading counts
- at the beginning of a line, before a colon ("Past Medical History:", "2. FAMILY HISTORY: none", "## Plan:");
- as a whole line of its own ("Discharge Diagnosis");
- in capitals at the beginning of a line, before another mark ("ALLERGIES, none", "PLAN - admit");
- within a line, before a colon, in capitals or after the end of a sentence ("… stable. Plan: home").

A family history ends without a heading too, where the note goes on with the patient: see `_goes_on`. So does a list of
vaccinations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from icdcoder.text.normal_form import FILLER, normal_form

OTHER = "other"
"""The kind of what stands before the first heading."""

# All repetitions are bounded, so that no line can cost more than its length times a constant. That of the title takes
# the blanks behind it along and gives nothing back; an underscore, no part of a title, is looked for afterwards.
_AT_LINE = re.compile(
    r"^[ \t]*(?P<mark>[#*=•>-]{1,3}[ \t]*)?(?P<number>(?:\d{1,2}|[IVX]{1,4}|[A-H])[.)][ \t]*)?"
    r"(?P<title>[A-Za-z0-9][\w \t/&'(),.\[\]+-]{0,80}+)[ \t]*\*{0,2}(?P<end>:|$)",
    re.MULTILINE,
)
_CAPITALS_AT_LINE = re.compile(
    r"^[ \t]*(?P<title>[A-Z][A-Z/&' -]{1,60}[A-Z])[ \t]*(?P<end>[,.;]|--?)(?=\s)", re.MULTILINE
)
_SINGLE_LETTERS = re.compile(r"^[ \t]*(?P<title>[SOAP]|A/P)[ \t]*:", re.MULTILINE)
_SOAP = {"S": "history_of_present_illness", "O": "physical_exam", "A": "assessment", "A/P": "assessment", "P": "plan"}
# The first word of each line that one of these can match, or the mark before it.
_BEGINNING = re.compile(r"[#*=•>-]|[A-Za-z0-9][^\W_]*")
# What is known of the first word of a line: a heading can begin with it; it is in capitals; it is a letter of SOAP.
_HOPEFUL, _IN_CAPITALS, _LETTER = 1, 2, 4
_LIKE_A_NUMBER = re.compile(r"\d{1,2}|[IVX]{1,4}|[A-H]")
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SMALL = "abcdefghijklmnopqrstuvwxyz"
# What a title within a line is made of: all in capitals, or after the end of a sentence.
_SHOUTED, _SPOKEN = _CAPITALS + "/&' -", _CAPITALS + _SMALL + "/&' -"
_LONGEST_SHOUTED, _LONGEST_SPOKEN = 62, 61
_ENDS_OF_SENTENCES = (".", "!", "?", ")")
# What stands before a title in capitals, directly or with a blank between.
_BEFORE, _BEFORE_BLANK = ".,;:!?)", ".,;:!?)0123456789" + _SMALL
_NOT_OF_THE_PATIENT = ("family_history", "immunizations")
# Sentences of which the patient is the subject. "He had" may go on with the father, "the patient reports" with what the
# family has; a new paragraph of a few words may be one more item of a list.
_OF_THE_PATIENT = re.compile(
    r"(?:(?<=[.!?]\s)|(?<=[.!?]\s\s)|\n[ \t]*)"
    r"(?:(?:the |this |our )?(?:patient|pt)\b(?!['’]s|[ ]+(?:report|den|stat|say|tell|recall|think|does not|is un))|"
    r"(?:he|she)[ ]+(?:presents?|presented|comes|came|complain\w*|(?:is|was) (?:here|admitted|brought|seen|referred)|"
    r"currently|is (?:currently|on|taking)|takes)\b)"
    r"[^.\n]{0,200}",
    re.IGNORECASE,
)
_PARAGRAPH = re.compile(r"(?<=\S)[ \t]*\n[ \t]*\n\s*(?P<line>[^\n]{0,200}+)")
_LABEL = re.compile(r"\W*\w[\w /&'-]{0,40}:")
_PROSE = re.compile(r"(?:\W*+\w++){4}")
_KIN = re.compile(
    r"\b(?:famil|mother|father|mom|mum|dad|brother|sister|sibling|parent|grand|aunt|uncle|cousin|niece|nephew|son|"
    r"daughter|child|relative|maternal|paternal|wife|husband)",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_WORD = re.compile(r"[^\W_]+")


class Section(NamedTuple):
    """[start, end) of a text with all between one heading and the next; [body_start, end) is what follows the heading.

    kind: of text/data/section_headers.tsv, or OTHER. title: the heading as it is written, "" where there is none.
    """

    kind: str
    title: str
    start: int
    end: int
    body_start: int

    def __repr__(self) -> str:
        """Without the title, which is a patient's text."""
        return f"Section({self.kind!r}, {self.start}, {self.end}, {self.body_start})"


def split(text: str) -> list[Section]:
    """The sections in order; together they are the whole text. An empty text has none."""
    if not text:
        return []
    found = _headings(text)
    sections: list[Section] = []
    if not found or found[0].start > 0:
        found.insert(0, _Heading(0, 0, OTHER, ""))
    for heading, following in zip(found, [*found[1:], None], strict=True):
        end = following.start if following else len(text)
        body_start = min(heading.body_start, end)
        over = _goes_on(text, body_start, end) if heading.kind in _NOT_OF_THE_PATIENT else end
        sections.append(Section(heading.kind, heading.title, heading.start, over, body_start))
        if over < end:
            sections.append(Section(OTHER, "", over, end, over))
    return sections


def _goes_on(text: str, start: int, end: int) -> int:
    """Where [start, end), which follows a heading of _NOT_OF_THE_PATIENT, speaks of the patient's conditions."""
    begin = next((at for at in range(start, end) if not text[at].isspace()), end)
    sentences = (match for match in _OF_THE_PATIENT.finditer(text, begin, end) if not _KIN.search(match[0]))
    paragraphs = (match for match in _PARAGRAPH.finditer(text, begin, end) if _is_new(match["line"]))
    starts = [match.start() for match in (next(sentences, None), next(paragraphs, None)) if match]
    return min(starts, default=end)


def _is_new(line: str) -> bool:
    """Whether a paragraph that begins so is no further item of a family history."""
    opening = _LABEL.match(line)
    told = opening[0] if opening else line if _PROSE.match(line) else ""
    return bool(told) and not _KIN.search(told)


def kinds() -> tuple[str, ...]:
    """All kinds that `split` can give."""
    return (OTHER, *dict.fromkeys(_known()[0].values()))


class _Heading(NamedTuple):
    start: int
    body_start: int
    kind: str
    title: str


def _headings(text: str) -> list[_Heading]:
    """In order, without those that begin inside another."""
    by_start: dict[int, _Heading] = {}
    for heading in _candidates(text):
        by_start.setdefault(heading.start, heading)
    kept: list[_Heading] = []
    for start in sorted(by_start):
        if not kept or start >= kept[-1].body_start:
            kept.append(by_start[start])
    return kept


def _candidates(text: str) -> Iterator[_Heading]:
    """Headings; of two at the same place the surer comes first."""
    first_words, titled, bare = _first_words(), _heads(":"), _heads("")
    letters: list[re.Match[str]] = []
    start = 0
    for line in text.split("\n"):
        known = first_words[line.lstrip(" \t").partition(" ")[0]]
        head, colon, rest = line.partition(":")
        if known & _HOPEFUL and (found := (titled if colon else bare)[head].at_line):
            yield _Heading(start, start + found.body_start, found.kind, found.title)
        capitals = _CAPITALS_AT_LINE.match(text, start) if known & _IN_CAPITALS else None
        if capitals and (kind := _kind_of(capitals["title"])):
            yield _Heading(start, capitals.end(), kind, capitals["title"])
        if known & _LETTER and (match := _SINGLE_LETTERS.match(text, start)):
            letters.append(match)
        if colon:
            if found := titled[head].within_line:
                yield _Heading(start + found.start, start + found.body_start, found.kind, found.title)
            if ":" in rest:
                yield from _after_first_colon(text, start + len(head) + 1, start + len(line))
        start += len(line) + 1
    if len({match["title"] for match in letters}) >= 3:
        for match in letters:
            yield _Heading(match.start(), match.end(), _SOAP[match["title"]], match["title"])


class _Head(NamedTuple):
    """What stands in a line up to its first colon, or its end. Places count from the beginning of the line."""

    at_line: _Heading | None
    within_line: _Heading | None


class _Heads(dict[str, _Head]):
    """Each head that is not long is worked out once: notes repeat them. end: what follows them, a colon or nothing."""

    MOST, LONGEST = 20_000, 60

    def __init__(self, end: str) -> None:
        super().__init__()
        self._end = end

    def __missing__(self, head: str) -> _Head:
        # Behind the end of a line, as no heading within one reaches back into another.
        within = _within_line("\n" + head, len(head) + 1, 1) if self._end else None
        found = _Head(_at_line(head + self._end), within)
        if len(head) <= self.LONGEST and len(self) < self.MOST:
            self[head] = found
        return found


@lru_cache(maxsize=2)
def _heads(end: str) -> _Heads:
    return _Heads(end)


def _at_line(line: str) -> _Heading | None:
    """The heading with which a line begins that ends behind its first colon."""
    match = _AT_LINE.match(line)
    if match is None:
        return None
    mark, number, title, end = match.groups()
    title = title.rstrip(" \t")
    if (not end and not mark and (number or title[-1] in ".,")) or "_" in title or title[0].islower():
        return None
    if number and not title.isupper() and " " not in title:
        return None
    kind = _kind_of(title, whole_line=not end)
    return _Heading(0, match.end(), kind, title) if kind else None


def _after_first_colon(text: str, place: int, end: int) -> Iterator[_Heading]:
    colon = text.find(":", place, end)
    while colon >= 0:
        if found := _within_line(text, colon):
            yield found
        colon = text.find(":", colon + 1, end)


def _within_line(text: str, colon: int, origin: int = 0) -> _Heading | None:
    """The heading within a line that ends with this colon. origin: of the places in it."""
    length, title = _title_before(text, colon)
    kind = _kind_of(title, whole_line=True) if length else None
    # "Age: 39. Sex: male." within a line are values, not headings.
    if kind is None or kind == "administrative":
        return None
    return _Heading(colon - length - origin, colon + 1 - origin, kind, title)


def _title_before(text: str, colon: int) -> tuple[int, str]:
    """(length with the blank that may follow it, title) of what looks like a heading within a line; 0 where nothing
    does. Looking back from each colon costs a tenth of a regular expression that looks forward from each word."""
    before = text[max(0, colon - _LONGEST_SHOUTED - 3) : colon]
    rest = before.rstrip(_SPOKEN)
    spoken = ""
    if rest.endswith(_ENDS_OF_SENTENCES):
        spoken = _spoken(before[len(rest) :])
    shouted = _shouted(before) if before.rstrip(" ")[-1:] in _CAPITALS else ""
    if len(spoken) > len(shouted):  # the one that begins first
        return len(spoken), spoken
    return len(shouted), shouted.rstrip(" ")


def _spoken(after: str) -> str:
    """The title in what stands between the end of a sentence and a colon; "" where there is none."""
    title = after[1:]
    fits = after[:1] == " " and 3 <= len(title) <= _LONGEST_SPOKEN and title[0] in _CAPITALS
    return title if fits else ""


def _shouted(before: str) -> str:
    """The title in capitals that ends with `before`, with the blank that may follow it; "" where there is none."""
    rest = before.rstrip(_SHOUTED)
    title = before[len(rest) :]
    if not rest or not title:
        return ""
    if title[0] == " ":
        title, fits = title[1:], rest[-1] in _BEFORE_BLANK
    else:
        fits = rest[-1] in _BEFORE
    bare = title[:-1] if title.endswith(" ") else title
    if fits and 3 <= len(bare) <= _LONGEST_SHOUTED and bare[0] in _CAPITALS and bare[-1] in _CAPITALS:
        return title
    return ""


class _FirstWords(dict[str, int]):
    """What a line can be that begins with this, up to a blank. Each is worked out once."""

    MOST, LONGEST = 200_000, 30

    def __init__(self) -> None:
        super().__init__()
        self._known = {key[0] for headings in _known() for key in headings}

    def __missing__(self, beginning: str) -> int:
        match = _BEGINNING.match(beginning)
        word = match[0] if match else ""
        found = 0
        if word and self._may_begin(word):
            found = _HOPEFUL | (_IN_CAPITALS if word.isupper() else 0)
        if word in _SOAP:
            found |= _LETTER
        if len(beginning) <= self.LONGEST and len(self) < self.MOST:
            self[beginning] = found
        return found

    def _may_begin(self, word: str) -> bool:
        if not word[0].isalnum() or _LIKE_A_NUMBER.fullmatch(word):
            return True
        lower = word.lower()
        if word[0].islower():
            return False
        return not word.isascii() or lower == "and" or lower in FILLER or normal_form(lower) in self._known


@lru_cache(maxsize=1)
def _first_words() -> _FirstWords:
    return _FirstWords()


@lru_cache(maxsize=50_000)
def _kind_of(title: str, *, whole_line: bool = False) -> str | None:
    """whole_line: headings that end in "*" are not looked at."""
    exact, openings = _known()
    key = _key(title)
    kind = exact.get(key)
    if kind or whole_line:
        return kind
    return next((openings[key[:n]] for n in (1, 2, 3) if key[:n] in openings and len(key) <= 8), None)


def _key(title: str) -> tuple[str, ...]:
    if "(" in title or "[" in title:
        title = _BRACKETS.sub(" ", title)
    words = [word for word in _WORD.findall(title.lower()) if word != "and"]
    # In "A/P" the letter is no article.
    if any(len(word) > 1 for word in words):
        words = [word for word in words if word not in FILLER]
    return tuple(normal_form(word) for word in words)


@lru_cache(maxsize=1)
def _known() -> tuple[dict[tuple[str, ...], str], dict[tuple[str, ...], str]]:
    """({heading: kind}, {first words of a heading: kind}) of the data file."""
    exact: dict[tuple[str, ...], str] = {}
    openings: dict[tuple[str, ...], str] = {}
    for line in (files("icdcoder.text") / "data" / "section_headers.tsv").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        kind, _, headings = line.partition("\t")
        for heading in headings.split(";"):
            where = openings if heading.endswith("*") else exact
            where[_key(heading.strip(" *"))] = kind
    return exact, openings
