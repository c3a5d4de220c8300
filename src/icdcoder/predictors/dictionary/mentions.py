"""Mentions: where a note says something that a code stands for, in which section, and whether it is asserted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from icdcoder.core.code import Code
from icdcoder.core.note import Note
from icdcoder.predictors.dictionary.compiled import Dictionary, Sense
from icdcoder.predictors.dictionary.matches import matches
from icdcoder.predictors.dictionary.qualified import qualified
from icdcoder.predictors.dictionary.read_off.pregnancy import is_state
from icdcoder.predictors.dictionary.read_off.sequelae import of_the_hand
from icdcoder.predictors.dictionary.read_off.spine import placed
from icdcoder.predictors.dictionary.read_off.themes import Drugs, ReadingsOff, read_off
from icdcoder.predictors.dictionary.terms import Source
from icdcoder.predictors.dictionary.told import goes_on, is_asked, is_past, is_strangers, was_done
from icdcoder.predictors.dictionary.words import SIDES, mostly_capitals, term_words
from icdcoder.text.assertion import Assertion, Assertions
from icdcoder.text.clean import Cleaned, clean
from icdcoder.text.sections import split
from icdcoder.text.term_index import Match

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
# Abbreviations of the wards that look like a condition's: what stands before or behind them where they are those. A
# hospital day, a patient's number, an ambulance, a radiologist, "tender to palpation"; and the fall of a year.
_WARD_WORDS = {
    "HD": re.compile(r"\s*#?\s*\d"),
    "PID": re.compile(r"\s*[#:]?\s*\d{3}"),
    "ALS": re.compile(r"\s+(?:transport|crew|unit|ambulance|team|intercept|protocol|provider)", re.IGNORECASE),
    "RAD": re.compile(r"\s+(?:report|read|onc|tech|result|film|imag)", re.IGNORECASE),
    "MI": re.compile(r"\s+\d{5}"),
    "SBP": re.compile(
        r"\s*:?\s*(?:[\d<>~=]|prophylaxis|ppx|goal|in the|was|of|under|above|below|less|greater|drop)", re.I
    ),
    "HRS": re.compile(r"\s*(?:\d|prior|after|before|ago|post|later|PRN|as needed)", re.IGNORECASE),
    "fall": re.compile(r" of (?:19|20)\d\d"),
    "TTP": re.compile(r"\s+(?:over|at|in|along|on|of|diffuse|throughout)\b", re.IGNORECASE),
}
_TENDER = re.compile(
    r"\b(?:non-?|mild|mildly|minimal|moderate|no|not|is|are|diffusely|abd|abdomen|knee|shoulder|back|spine|hip|ankle|wrist|"
    r"neck|foot|hand|elbow|chest|wall|calf|joint|line|[rl][ul]q|epigastric)[ :]*$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d\s*$")
# A term that goes over a comma or a bracket is a looser reading, like one with a word in between.
_ASIDE = re.compile("[,()]")
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
# "History of breast cancer, now metastatic": the wording of a history does not count, the cancer in it does.
_CANCER_OVER = "icd10cm:Z85"
_DONOR = "icd10cm:Z52"
_RECEIVED = re.compile(r"receiv|\bfrom an?\b|donor (?:\w+ )?transplant", re.IGNORECASE)
_PREGNANT = ("icd10cm:Z33.1", "icd9cm:V22.2")
MOST_GAPS = 2
# Metastases lie elsewhere than what a note is about, of which it may name one side only; so does a failing heart.
_ELSEWHERE = ("icd10cm:C77", "icd10cm:C78", "icd10cm:C79", "icd10cm:I50")
# Samples are enumerated: no blood in the urine.
_SAMPLES = re.compile(r"(?:blood|urine|stools?)(?: and |, |/| or )(?:blood|urine|stools?)", re.IGNORECASE)
# The number of a device ("CF-H180AL"), and no abbreviation of a condition.
_MODEL = re.compile(r"-[A-Z]+\d{2}")
# What an allergy showed itself by: "allergic to sulfa (hives)".
_REACTION = re.compile(r"\ballerg(?:y|ies|ic)\b(?: to)?[^.;()\n]{0,50}\([^.;()\n]{0,30}$", re.IGNORECASE)
_REACTION_REACH = 80
# "Aspirin stopped": no long-term use of it.
_LONG_TERM = ("icd10cm:Z79", "icd10cm:Z99.81")
# "Not on chronic steroids", "she is not on any home oxygen", "has never been on insulin", "off anticoagulation".
_NOT_ON = re.compile(
    r"\b(?:(?:not|never|isn't|wasn't)(?: currently| presently| yet| now| been| placed| started| a candidate)*"
    r" (?:on|for|using)|off(?: of)?|without(?: any)?|no longer on)"
    r"(?: any| his| her| chronic| long[- ]term| daily| home| systemic| oral| full[- ]dose| therapeutic| supplemental)*"
    r" ?$",
    re.IGNORECASE,
)
_STOPPED = re.compile(
    r",? ?(?:\d+ ?mg |daily |OD |BD )*(?:(?:was|were|is|has been|have been|now|be) )*"
    r"(?:stopped|discontinued|ceased|finished|completed|ended|d/c'?d|withheld|withdrawn|weaned off)\b|"
    r",? (?:but|and|until) (?:s?he|they|the patient) (?:has |had |have )?(?:stopped|discontinued)\b",
    re.IGNORECASE,
)
_NOT_ON_REACH = 60
# "Her rheumatoid arthritis on her hands" is none of wear.
_WORN_JOINTS = tuple(f"icd10cm:M{number}" for number in range(15, 20))
_INFLAMED = re.compile(
    r"\b(?:rheumatoid|psoriatic|gouty|septic|reactive|juvenile|infectious|inflammatory|pyogenic|viral|crystal)[ -]$",
    re.IGNORECASE,
)
# "We will send a pertussis PCR", "influenza swab pending": looked for, unless the words there say that it was found.
_INFECTIONS = ("icd10cm:A", "icd10cm:B", "icd10cm:J09", "icd10cm:J10", "icd10cm:J11", "icd10cm:U07")
_TEST = re.compile(
    r" (?:\w+ )?(?:PCR|titers?|serolog(?:y|ies)|antibod(?:y|ies)|cultures?|swabs?|screen(?:s|ing)?|test(?:s|ing)?|"
    r"panel|antigens?|toxins?|smears?|injection|series|booster)\b(?![^.;\n]{0,40}\b(?:positiv|reactive|detected|grew|"
    r"confirm|elevated|high\b))(?! ?\+)",
    re.IGNORECASE,
)
_POSITIVE = re.compile(r"\b(?:positive|reactive|detected)\b(?:(?!negative)[^.;\n]){0,45}$", re.IGNORECASE)
_ASSERTS = re.compile(r"(?:treated with|family|personal|past|prior|previous|history|hx|h/o|fh|fhx)\b", re.IGNORECASE)
# Letters apart ("H/A", "N/V") are an abbreviation only in capitals.
_SHORT = 4


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
        if _is_no_condition(text, start, end):
            continue
        side = words.side(match.first, match.last)
        if not side and only_side and not dictionary.codes[senses[0].code].startswith(_ELSEWHERE):
            side = only_side
        chosen = _chosen(dictionary, senses, side) or _chosen(
            dictionary, senses, words.side_inside(match.first, match.last)
        )
        senses = [s for s in chosen if _written_so(s, text[start:end], shouting)]
        if not senses:
            continue
        code = dictionary.codes[senses[0].code]
        if _is_not_had(text, start, end, code):
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
        loose = _is_loose(text, start, end, senses[0].source, match.gaps)
        (not_hiding if loose or senses[0].source == Source.EVERYDAY else hiding).append(match)
        gaps = match.gaps + bool(_ASIDE.search(text, start, end)) + loose
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
    if assertions and asserted.status == "affirmed" and _ASIDE.search(text, start, end):
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


def _written_so(sense: Sense, text: str, shouting: bool) -> bool:
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


def _is_not_had(text: str, start: int, end: int, code: str) -> bool:
    """Whether it is a drug that was stopped, an infection looked for, a joint that is inflamed and not worn, an organ
    that was received, or a pregnancy that is over or another's."""
    if code.startswith(_LONG_TERM):
        before = text[max(0, start - _NOT_ON_REACH) : start]
        return _STOPPED.match(text, end) is not None or _NOT_ON.search(before) is not None
    if code.startswith(_INFECTIONS):
        return _is_tested(text, start, end)
    if code.startswith(_WORN_JOINTS):
        return _INFLAMED.search(text, max(0, start - 15), start) is not None
    if code.startswith(_DONOR):
        return _RECEIVED.search(text, max(0, start - 25), end + 15) is not None
    return code in _PREGNANT and not is_state(text, start, end)


def _is_tested(text: str, start: int, end: int) -> bool:
    """Whether what stands there is what a test looks for, or a vaccine is given against."""
    return _TEST.match(text, end) is not None and not _POSITIVE.search(text[max(0, start - 60) : start])


def _inside(match: Match, others: Sequence[Match]) -> bool:
    return any(other.first <= match.first and match.last <= other.last for other in others)


def _is_loose(text: str, start: int, end: int, source: Source, gaps: int) -> bool:
    """Whether a term of the tables was put together from what does not belong together."""
    if source not in _OF_TABLES:
        return False
    if _GOES_ON.match(text, end) or _NON.search(text, max(0, start - 4), start):
        return True
    return (gaps > 0 or source >= Source.INDEX) and _AND.search(text, start, end) is not None


def _is_no_condition(text: str, start: int, end: int) -> bool:
    if _SAMPLES.fullmatch(text, start, end):
        return True
    if _REACTION.search(text, max(0, start - _REACTION_REACH), start):
        return True
    word = text[start:end]
    if word.isupper() and _MODEL.match(text, end):
        return True
    if word.lower() in ("met", "mets"):  # metastases, unless they are metabolic equivalents
        return word.lower() == "met" or _NUMBER.search(text, max(0, start - 8), start) is not None
    follows = _WARD_WORDS.get(word)
    if follows is None:
        return False
    if follows.match(text, end) or (word == "HRS" and _NUMBER.search(text, max(0, start - 8), start)):
        return True
    return bool(word == "TTP" and _TENDER.search(text, max(0, start - 20), start))
