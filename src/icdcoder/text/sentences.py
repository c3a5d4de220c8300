"""Where sentences begin, in text that is half prose, half list. Items of a list, labels and blank lines end one."""

from __future__ import annotations

import re

# A line shorter than this was not broken for want of room, so the next line begins anew if it looks like it.
_SHORT_LINE = 55
# What goes on for longer is cut at a blank, so that no text can be one endless sentence.
_LONGEST = 1000
# After a line end: a blank line, a list item, a label ("Neuro:").
_NEW_ITEM = re.compile(r"[ \t]*(?:\n|$|[-*•#>+]+[ \t]|\(?\d{1,2}[.)]|\(?[a-z][.)][ \t]|[A-Z][\w /&'-]{0,40}:)")
_BEGINS = re.compile(r"[ \t]*[\"'(\[]?[A-Z0-9]")
# Candidates. Each begins with one of a few characters, which lets the search leap over all the others.
_CANDIDATE = re.compile(
    r"""[\n.!?;\ \t](?!(?<=\ )[^A-Z\ ])(?:              # most blanks stand before a small letter
      (?P<line>(?<=\n))
    | (?P<semicolon>(?<=;))
    | (?P<mark>(?<=[.!?])[.!?]*["')\]]*(?=\s|$))       # a mark that may close a sentence
    | (?P<tight>(?<=[a-z)]\.)(?=[A-Z][a-z]))           # "fever.Denies"
    # A result stays in the row of what was tested.
    | (?P<column>(?:(?<=\S\ )\ {3,}+|(?<=\S\t)\t*+)(?=\S)(?!(?i:neg|non-?\ ?reactive|not\ detected|absent)))
    | (?<=[a-z)]\ )(?P<label>[A-Z][A-Za-z/]{1,24}:)(?=\s)  # "no murmur Lungs: clear"
    )""",
    re.VERBOSE,
)
_CAPITAL_BEFORE = re.compile(r"\b[A-Z]\S* $")
_ANSWER = re.compile(r"\s*(?:no|yes|none|denies|denied)\b", re.IGNORECASE)
_WORD_BEFORE = re.compile(r"[^\s(\[\"']*$")
_TITLES = frozenset("dr drs mr mrs ms prof st vs approx e.g i.e eg ie fig cf incl esp resp".split())
# These may close a sentence; they do where the next word has a capital letter.
_ABBREVIATIONS = frozenset(
    """
    pt pts hx dx tx rx sx fx yr yrs yo mo mos wk wks hr hrs min sec wt ht dept est avg max temp etc mg ml cm mm gm
    lb lbs oz tab tabs cap caps bid tid qid qd qhs prn po iv im sq inj jan feb mar apr jun jul aug sep sept oct nov dec
    """.split()
)


def sentence_starts(text: str) -> list[int]:
    """The first character of each sentence, rising from 0; a sentence runs to the start of the next one.

    A line end inside running text is no end. Decimals ("3.5"), titles ("Dr. Smith") and abbreviations before a small
    letter ("b.i.d. with") are none either.
    """
    starts = [0]
    line_start = 0
    for match in _CANDIDATE.finditer(text):
        end = match.end()
        group = match.lastgroup
        if group == "line":
            if _new_line(text, line_start, end):
                starts.append(end)
            line_start = end
        elif group == "label":
            # The words of one label stay together: "Discharge Diagnosis:".
            start = match.start("label")
            if not _CAPITAL_BEFORE.search(text, max(0, start - 24), start):
                starts.append(start)
        elif group != "mark" or _closes(text, match.start(), end):
            starts.append(end)
    return _bounded(text, starts)


def _bounded(text: str, starts: list[int]) -> list[int]:
    result: list[int] = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        result.append(start)
        while end - start > _LONGEST:
            blank = text.rfind(" ", start + _LONGEST // 2, start + _LONGEST)
            start = blank + 1 if blank >= 0 else start + _LONGEST
            result.append(start)
    return result


def _new_line(text: str, line_start: int, end: int) -> bool:
    """Whether a sentence begins after the line [line_start, end)."""
    if end - line_start <= 1 or _NEW_ITEM.match(text, end):
        return True
    return end - 1 - line_start < _SHORT_LINE and _BEGINS.match(text, end) is not None


def _closes(text: str, start: int, end: int) -> bool:
    """Whether the mark at [start, end) closes a sentence."""
    if text[start] == "?" and _ANSWER.match(text, end):
        return False
    if text[start] != "." or end - start > 1:
        return True
    before = _WORD_BEFORE.search(text, max(0, start - 12), start)
    word = before[0].lower() if before else ""
    if word in _TITLES:
        return False
    if "." not in word and len(word) != 1 and word not in _ABBREVIATIONS:
        return True
    following = text[end : end + 12].lstrip()[:1]
    return not following or following.isupper()
