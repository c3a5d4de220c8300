"""Sections: where the headings of a note are, and of what kind. Sections tile the note: no gap, no overlap.

Only known headings begin a section (text/data/section_headers.tsv): "Sodium: 134" and the title of a problem in a
hospital course stay in the section they stand in. A known heading counts
- at the beginning of a line, before a colon ("Past Medical History:", "2. FAMILY HISTORY: none", "## Plan:");
- as a whole line of its own ("Discharge Diagnosis");
- in capitals at the beginning of a line, before another mark ("ALLERGIES, none", "PLAN - admit");
- within a line, before a colon, in capitals or after the end of a sentence ("… stable. Plan: home").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from icdcoder.text.normal_form import FILLER, normal_form

OTHER = "other"
"""The kind of what stands before the first heading."""

# All repetitions are bounded, so that no line can cost more than its length times a constant.
_AT_LINE = re.compile(
    r"^[ \t]*(?P<mark>[#*=•>-]{1,3}[ \t]*)?(?P<number>(?:\d{1,2}|[IVX]{1,4}|[A-H])[.)][ \t]*)?"
    r"(?P<title>[A-Za-z0-9](?:[^\W_]|[ \t/&'(),.\[\]+-]){0,80}?)[ \t]*\*{0,2}(?P<end>:|$)",
    re.MULTILINE,
)
_CAPITALS_AT_LINE = re.compile(
    r"^[ \t]*(?P<title>[A-Z][A-Z/&' -]{1,60}[A-Z])[ \t]*(?P<end>[,.;]|--?)(?=\s)", re.MULTILINE
)
_WITHIN_LINE = re.compile(
    r"(?:(?<=[a-z0-9.,;:!?)] )|(?<=[.,;:!?)]))(?P<title>[A-Z][A-Z/&' -]{1,60}[A-Z])[ ]?(?P<end>:)"
    r"|(?<=[.!?)] )(?P<sentence>[A-Z][A-Za-z/&' -]{2,60})(?P<colon>:)"
)
_SINGLE_LETTERS = re.compile(r"^[ \t]*(?P<title>[SOAP]|A/P)[ \t]*:", re.MULTILINE)
_SOAP = {"S": "history_of_present_illness", "O": "physical_exam", "A": "assessment", "A/P": "assessment", "P": "plan"}
_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Section:
    """[start, end) of a text with all between one heading and the next; [body_start, end) is what follows the heading.

    kind: of text/data/section_headers.tsv, or OTHER. title: the heading as it is written, "" where there is none.
    """

    kind: str
    title: str = field(repr=False)
    start: int
    end: int
    body_start: int


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
        sections.append(Section(heading.kind, heading.title, heading.start, end, min(heading.body_start, end)))
    return sections


def kinds() -> tuple[str, ...]:
    """All kinds that `split` can give."""
    return (OTHER, *dict.fromkeys(_known()[0].values()))


@dataclass(frozen=True, slots=True)
class _Heading:
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
    """Headings, the surest first."""
    for match in _AT_LINE.finditer(text):
        title = match["title"]
        alone = match["end"] == ""
        if alone and (match["number"] or title[-1] in ".,") and not match["mark"]:
            continue
        if title[0].islower() or (match["number"] and not title.isupper() and " " not in title):
            continue
        if kind := _kind_of(title, whole_line=alone):
            yield _Heading(match.start(), match.end(), kind, title)
    for match in _CAPITALS_AT_LINE.finditer(text):
        if kind := _kind_of(match["title"]):
            yield _Heading(match.start(), match.end(), kind, match["title"])
    for match in _WITHIN_LINE.finditer(text):
        title = match["title"] or match["sentence"]
        # "Age: 39. Sex: male." within a line are values, not headings.
        if (kind := _kind_of(title, whole_line=True)) and kind != "administrative":
            yield _Heading(match.start(), match.end(), kind, title)
    letters = list(_SINGLE_LETTERS.finditer(text))
    if len({match["title"] for match in letters}) >= 3:
        for match in letters:
            yield _Heading(match.start(), match.end(), _SOAP[match["title"]], match["title"])


def _kind_of(title: str, *, whole_line: bool = False) -> str | None:
    """whole_line: headings that end in "*" are not looked at."""
    exact, openings = _known()
    key = _key(title)
    kind = exact.get(key)
    if kind or whole_line:
        return kind
    return next((openings[key[:n]] for n in (1, 2, 3) if key[:n] in openings and len(key) <= 8), None)


@lru_cache(maxsize=20_000)
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
