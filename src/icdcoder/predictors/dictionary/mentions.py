"""Mentions: where a note says something that a code stands for, in which section, and whether it is asserted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from icdcoder.core.code import Code
from icdcoder.core.note import Note
from icdcoder.predictors.dictionary.compiled import Dictionary, Sense
from icdcoder.predictors.dictionary.matches import matches
from icdcoder.predictors.dictionary.not_had import is_no_condition, is_not_had
from icdcoder.predictors.dictionary.qualified import qualified
from icdcoder.predictors.dictionary.read_off.sequelae import of_the_hand
from icdcoder.predictors.dictionary.read_off.spine import placed
from icdcoder.predictors.dictionary.read_off.themes import Drugs, ReadingsOff, read_off
from icdcoder.predictors.dictionary.terms import Source
from icdcoder.predictors.dictionary.told import goes_on, is_asked, is_past, is_strangers, was_done
from icdcoder.predictors.dictionary.words import SIDES, mostly_capitals, term_words
from icdcoder.predictors.dictionary.written import ASIDE, is_loose, is_written_so
from icdcoder.text.assertion import Assertion, Assertions
from icdcoder.text.clean import Cleaned, clean
from icdcoder.text.sections import split
from icdcoder.text.term_index import Match

# "History of breast cancer, now metastatic": the wording of a history does not count, the cancer in it does.
_CANCER_OVER = "icd10cm:Z85"
MOST_GAPS = 2
# Metastases lie elsewhere than what a note is about, of which it may name one side only; so does a failing heart.
_ELSEWHERE = ("icd10cm:C77", "icd10cm:C78", "icd10cm:C79", "icd10cm:I50")
_ASSERTS = re.compile(r"(?:treated with|family|personal|past|prior|previous|history|hx|h/o|fh|fhx)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """One term in the note. start, end: into the text as the user sent it. senses: best first, never empty.

    gaps: words inside that are not the term's, and one more where it goes over a comma or a bracket.
    nested: the term stands inside a longer one. over: the note says in so many words that there is a history of it, or
    that it was years ago or is gone, and not that it goes on ("prior stroke", but not "recurrence of the stroke he had
    in 2004"). stranger: it is of one who is no blood relation, so no history of the family. asked: the note only says
    that it was looked for.
    """

    start: int
    end: int
    senses: tuple[Sense, ...]
    status: str
    section: str
    gaps: int = 0
    nested: bool = False
    over: bool = False
    stranger: bool = False
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a note is looked at besides its words; a switch that is off is for ablations."""

    assertion: bool = True
    sections: bool = True
    gaps: bool = True


def mentions(
    note: Note, dictionary: Dictionary, reading: Reading | None = None, drugs: Drugs | None = None
) -> list[Mention]:
    """Every mention in reading order. drugs: for codes of what drugs did; None for none."""
    reading = reading or Reading()
    cleaned = clean(note)
    text = cleaned.text
    sections = split(text) if reading.sections else []
    assertions = Assertions(text, sections) if reading.assertion else None
    words = term_words(text, dictionary.read_as)
    shouting = mostly_capitals(text)
    offsets = words.words.offsets.tolist()
    only_side = words.only_side
    found = []
    where, past_until = 0, -1
    silent: list[Match] = []
    hiding: list[Match] = []
    not_hiding: list[Match] = []
    for match in matches(text, words, dictionary, MOST_GAPS if reading.gaps else 0):
        start, end = offsets[match.first][0], offsets[match.last][1]
        senses = dictionary.senses(match.term)
        if not senses:
            silent.append(match)
            continue
        if match.nested and _inside(match, silent[-3:]):
            continue
        if is_no_condition(text, start, end):
            continue
        side = words.side(match.first, match.last)
        if not side and only_side and not dictionary.codes[senses[0].code].startswith(_ELSEWHERE):
            side = only_side
        chosen = _chosen(dictionary, senses, side) or _chosen(
            dictionary, senses, words.side_inside(match.first, match.last)
        )
        senses = [s for s in chosen if is_written_so(s, text[start:end], shouting)]
        if not senses:
            continue
        code = dictionary.codes[senses[0].code]
        if is_not_had(text, start, end, code):
            continue
        if code.startswith(_CANCER_OVER) and goes_on(text, end):
            not_hiding.append(match)
            continue
        nested = match.nested and (_inside(match, hiding[-4:]) or not _inside(match, not_hiding[-3:]))
        while where + 1 < len(sections) and sections[where].end <= start:
            where += 1
        span = cleaned.to_source(start, end)
        asserted = _asserted(assertions, text, start, end, offsets[match.first][1], offsets[match.last][0])
        kind, heading = (sections[where].kind, sections[where].title) if sections else ("other", "")
        loose = is_loose(text, start, end, senses[0].source, match.gaps)
        (not_hiding if loose or senses[0].source == Source.EVERYDAY else hiding).append(match)
        gaps = match.gaps + bool(ASIDE.search(text, start, end)) + loose
        over = is_past(text, asserted, start, end, code, heading)
        past_until = max(past_until, match.last if over else -1)
        over = over or (match.nested and match.last <= past_until)
        if asserted.status == "affirmed" and senses[0].source == Source.PAST and was_done(text, start, end, heading):
            asserted = Assertion("historical")
        stranger, asked = is_strangers(text, asserted), is_asked(text, asserted)
        found.append(Mention(*span, tuple(senses), asserted.status, kind, gaps, nested, over, stranger, asked))
    if "icd10cm" in dictionary.systems:
        off = read_off(cleaned, sections, drugs)
        found = [m for m in found if not off.tell(dictionary.codes[m.senses[0].code], m.start, m.end)]
        found = _more_exact([*found, *_mentioned(off, cleaned, dictionary, assertions)], note.text, dictionary)
    return sorted(found, key=lambda mention: (mention.start, -mention.end))


def _asserted(assertions: Assertions | None, text: str, start: int, end: int, first: int, last: int) -> Assertion:
    """What the words around the term assert; first: where its first word ends; last: where its last begins."""
    asserted = assertions.of(start, end) if assertions else Assertion("affirmed")
    if assertions and asserted.status == "affirmed" and ASIDE.search(text, start, end):
        # The words that deny it may end at the comma: "without nausea, vomiting".
        asserted = assertions.of(start, first)
    if assertions and asserted.status in ("affirmed", "family") and _ASSERTS.match(text, start):
        # The words that deny it reach into the term itself: "no family history of colon cancer".
        tail = assertions.of(last, end)
        asserted = tail if tail.status in ("negated", "hypothetical", "family") else asserted
    return asserted


def _mentioned(
    off: ReadingsOff, cleaned: Cleaned, dictionary: Dictionary, assertions: Assertions | None
) -> Iterator[Mention]:
    for one in off.found:
        source = Source.EXPRESSION if one.telling else Source.EVERYDAY
        status = assertions.of(one.start, one.end).status if assertions else "affirmed"
        sense = Sense(dictionary.number(one.code), source, 0, 2)
        yield Mention(*cleaned.to_source(one.start, one.end), (sense,), status, "other")


def _more_exact(found: list[Mention], text: str, dictionary: Dictionary) -> list[Mention]:
    """With the codes that the leading hand, and the places and degrees named apart, make more exact. text: as the user
    sent it."""

    def coded(mention: Mention, sense: Sense) -> Sense:
        value = dictionary.codes[sense.code]
        other = placed(text, mention.start, mention.end, of_the_hand(text, value))
        other = qualified(text, mention.start, mention.end, other)
        return sense if other == value else replace(sense, code=dictionary.number(Code.parse(other)))

    exact = []
    for mention in found:
        senses = tuple(coded(mention, sense) for sense in mention.senses)
        exact.append(mention if senses == mention.senses else replace(mention, senses=senses))
    return exact


def _chosen(dictionary: Dictionary, senses: Sequence[Sense], side: int) -> list[Sense]:
    """The senses that fit the side; those of another side only say what is possible and are left out."""
    fitting = [s for s in senses if s.side == side] or [s for s in senses if s.side == 0]
    if side == SIDES["both"] and all(s.side == 0 and dictionary.on_side(s.code, side) == s.code for s in fitting):
        fitting = _of_two(senses) or fitting
    if side:
        fitting = [sided for s in fitting for sided in _on_side(dictionary, s, side)]
    return sorted(fitting, key=lambda s: s.source)


def _of_two(senses: Sequence[Sense]) -> list[Sense]:
    """The codes of the right and of the left, where there are both: a condition on both sides has two codes then."""
    right, left = ([s for s in senses if s.side == SIDES[one]] for one in ("right", "left"))
    return [*right, *(replace(s, joint=True) for s in left)] if right and left else []


def _on_side(dictionary: Dictionary, sense: Sense, side: int) -> Iterator[Sense]:
    """The sense on this side; on each of the two where it is on both, and no code says so (guidelines I.B.13)."""
    code = dictionary.on_side(sense.code, side)
    right, left = (dictionary.on_side(sense.code, one) for one in (SIDES["right"], SIDES["left"]))
    if side != SIDES["both"] or code != sense.code or sense.code in (right, left) or right == left:
        yield replace(sense, code=code)
        return
    yield replace(sense, code=right)
    yield replace(sense, code=left, joint=True)


def _inside(match: Match, others: Sequence[Match]) -> bool:
    return any(other.first <= match.first and match.last <= other.last for other in others)
