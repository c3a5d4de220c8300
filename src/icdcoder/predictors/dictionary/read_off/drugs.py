"""Poisoning, adverse effect and underdosing: a drug beside the words that say what it did (guidelines I.C.19.e).

Only the words around the drug make a code of it. A poisoning is an accident unless the note says otherwise; an adverse
effect is that of a drug taken as it was prescribed; each is taken for a first visit ("A").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from icdcoder.core.code import Code
from icdcoder.text.led_pattern import LedPattern, in_small_letters

ACCIDENT, SELF_HARM, ASSAULT, UNDETERMINED, ADVERSE, UNDERDOSED = "123456"
MOST_WORDS = 3

_TAKEN = (
    r"(?:overdos(?:e|ed|es|ing)|OD'?d?|poison(?:ing|ed)|intoxication|toxic ingestion|ingestion|ingested|swallowed)"
    r"(?: of| with| on| by| from| due to)? (?:an? |the |some |multiple |his |her |too (?:much|many) )?"
    r"(?:(?:unknown )?(?:amount|quantity|number|bottle) of )?"
)
_COUNTED = (
    r"(?:took|taken|taking|swallowed|ingested) (?:some |about |approximately |around |up to |over )?"
    r"(?:\d+|dozens|ten|twenty|thirty|forty|fifty) (?:x )?(?:\d+ ?mg )?(?:tablets|pills|capsules|tabs) of "
    r"(?:\d+ ?mg )?"
)
_UNWANTED = (
    r"(?:adverse|side|toxic|untoward) (?:drug )?(?:effects?|reactions?|events?)(?: of| to| from| due to)? "
    r"(?:the |his |her |an? )?"
)
_BECAUSE = r"(?:induced by|caused by|due to|secondary to|reaction to|attributed to) (?:the |his |her )?(?:use of )?"
_LEFT_OUT = (
    r"(?:noncompliant|noncompliance|non-compliance|non-compliant|nonadherent|nonadherence|underdosing|ran out|"
    r"stopped taking|not taking|had not taken|has not been taking|skipping|skipped|missed(?: \w+)? doses?)"
    r"(?: with| of| to)? (?:the |his |her |home )?"
)
# Pattern, what it says of the drug that follows, and what a match begins with.
_BEFORE: tuple[tuple[str, str, str], ...] = (
    (_TAKEN, ACCIDENT, "overdos|od|poison|intoxication|toxic ingest|ingest|swallowed"),
    (r"took (?:too (?:much|many)|an overdose of|a bottle of|a handful of) (?:of )?", ACCIDENT, "took "),
    (_COUNTED, ACCIDENT, "took |taken |taking |swallowed |ingested "),
    (r"(?<!not )missed (?:taking )?(?:his |her |all |several )?", UNDERDOSED, "missed "),
    (_UNWANTED, ADVERSE, "adverse |side |toxic |untoward "),
    (_BECAUSE, ADVERSE, "induced by|caused by|due to|secondary to|reaction to|attributed to"),
    (
        _LEFT_OUT,
        UNDERDOSED,
        "noncompl|non-compl|nonadher|underdosing|ran out|stopped taking|not taking|had not|has not|skipp|missed",
    ),
)
_AFTER: tuple[tuple[str, str], ...] = (
    (r" (?:overdose|overdosage|OD|poisoning|ingestion|intoxication)\b", ACCIDENT),
    (r"[- ](?:induced|related|associated|toxicity|(?:side|adverse|toxic) (?:effects?|reactions?))\b", ADVERSE),
    (r" (?:nonadherence|noncompliance|non-compliance|underdosing)\b", UNDERDOSED),
)
_TRIGGERS = tuple(
    (LedPattern(re.compile(rf"\b{words}(?=\w)", re.IGNORECASE), tuple(leads.split("|"))), kind)
    for words, kind, leads in _BEFORE
)
_FOLLOWING = tuple((re.compile(words, re.IGNORECASE), kind) for words, kind in _AFTER)
_ANY_AFTER = LedPattern(
    re.compile("|".join(f"(?:{words})" for words, _ in _AFTER), re.IGNORECASE),
    (
        *(" " + word for word in ("overdos", "od", "poisoning", "ingestion", "intoxication")),
        *(mark + word for mark in "- " for word in ("induced", "related", "associated", "side", "adverse", "toxic")),
        *(" " + word for word in ("nonadherence", "noncompliance", "non-compliance", "underdosing")),
    ),
)
_WORD = re.compile(r"[\w][\w-]*")
_ON_PURPOSE = re.compile(
    r"\b(?:intentional(?:ly)?|suicid\w*|self[- ]harm|deliberate(?:ly)?|on purpose|kill (?:him|her)self)\b", re.I
)
_NOT_ON_PURPOSE = re.compile(r"\b(?:unintentional(?:ly)?|accidental(?:ly)?|denie[sd] suicid\w*|no suicid\w*)\b", re.I)
_UNKNOWN = re.compile(r"\bundetermined intent|unclear (?:if|whether) intentional|unknown intent", re.I)
_AROUND = 160
_NOT_COMPLIANT = Code("icd10cm", "Z91.148")
# Words of the table that are too general after "due to", and are spoken of when consent is asked.
_GENERAL = frozenset(("medication", "medications", "drug", "drugs", "pills", "lead", "iron", "contrast"))
_LOOSE = re.compile(r"^(?:due to|secondary to|caused by|attributed to|side)", re.I)
# "Due to insulin noncompliance" is no effect of insulin.
_NOT_TAKEN = re.compile(r" (?:non-?(?:adherence|compliance)|underdos\w+|omission)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DrugEffect:
    """What a drug did, at [start, end) of the text."""

    start: int
    end: int
    code: Code


def effects(text: str, drugs: Mapping[str, str], exists: Callable[[Code], bool]) -> Iterator[DrugEffect]:
    """Those that the text states. drugs: of knowledge/table_of_drugs.py. exists: whether a code is in the edition."""
    small = in_small_letters(text)
    for pattern, kind in _TRIGGERS:
        for match in pattern.finditer(text, small):
            stem, end = _drug_at(text, match.end(), drugs)
            general = text[match.end() : end].lower() in _GENERAL
            # Medications that are not taken are Z91.14, which the dictionary has.
            too_general = general and (kind == UNDERDOSED or _LOOSE.match(match.group()))
            if stem is None or too_general or _NOT_TAKEN.match(text, end):
                continue
            yield from _effect(text, match.start(), end, stem, kind, exists)
    for match in _ANY_AFTER.finditer(text, small):
        kind = next(kind for words, kind in _FOLLOWING if words.match(text, match.start()))
        stem, start = _drug_before(text, match.start(), drugs)
        general = kind == UNDERDOSED and text[start : match.start()].lower() in _GENERAL
        if stem is not None and not general:
            yield from _effect(text, start, match.end(), stem, kind, exists)


def _effect(
    text: str, start: int, end: int, stem: str, kind: str, exists: Callable[[Code], bool]
) -> Iterator[DrugEffect]:
    kinds = [_intent(text, start, end) if kind == ACCIDENT else kind]
    if kind == ADVERSE:
        kinds.append(ACCIDENT)  # of heroin or methanol there is no adverse effect
    for one in kinds:
        code = Code("icd10cm", f"{stem}{one}".ljust(7, "X") + "A")
        if exists(code):
            yield DrugEffect(start, end, code)
            if kind == UNDERDOSED and exists(_NOT_COMPLIANT):
                yield DrugEffect(start, end, _NOT_COMPLIANT)
            return


def _intent(text: str, start: int, end: int) -> str:
    around = text[max(0, start - _AROUND) : end + _AROUND]
    if _UNKNOWN.search(around):
        return UNDETERMINED
    return SELF_HARM if _ON_PURPOSE.search(around) and not _NOT_ON_PURPOSE.search(around) else ACCIDENT


def _drug_at(text: str, at: int, drugs: Mapping[str, str]) -> tuple[str | None, int]:
    """The longest name of a drug that begins here, and where it ends."""
    words = [match.span() for match, _ in zip(_WORD.finditer(text, at, at + 60), range(MOST_WORDS), strict=False)]
    for _, end in reversed(words):
        stem = drugs.get(" ".join(text[at:end].lower().split()))
        if stem is not None:
            return stem, end
    return None, at


def _drug_before(text: str, at: int, drugs: Mapping[str, str]) -> tuple[str | None, int]:
    words = [match.span() for match in _WORD.finditer(text, max(0, at - 60), at)]
    for start, _ in words[-MOST_WORDS:]:
        stem = drugs.get(" ".join(text[start:at].lower().split()))
        if stem is not None:
            return stem, start
    return None, at
