"""Numbers that are codes: body mass index, weeks of gestation, coma and stroke scales, burned body surface.

The tabular list gives such codes as ranges ("Body mass index [BMI] 40.0-44.9, adult"), which no wording matches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.read_off.newborn import is_newborn
from icdcoder.text.led_pattern import CuedPattern, holds_one, in_small_letters


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with what it measures, at [start, end) of the text. telling: whether it says something by itself; a
    normal value is a candidate only."""

    start: int
    end: int
    code: Code
    telling: bool


# Of the ranges of the tabular list for adults: 19.9 or less, 20.0-20.9 … 39.0-39.9, then wider.
_WIDE_INDEX = ((70, "Z68.45"), (60, "Z68.44"), (50, "Z68.43"), (45, "Z68.42"), (40, "Z68.41"))
_NORMAL_INDEX = (18.5, 30.0)
_NEWBORN = re.compile(
    r"\b(?:born|birth|newborn|infant|neonate|premature|prematurity|preemie|baby)\b[^.\n]{0,40}$", re.IGNORECASE
)
_GAP = r"[^\d.;\n]{0,25}?"


def _body_mass(match: re.Match[str]) -> tuple[str, bool] | None:
    value = float(match["n"])
    if not 10 <= value < 100:
        return None
    code = next((code for least, code in _WIDE_INDEX if value >= least), None)
    code = code or ("Z68.1" if value < 20 else f"Z68.{int(value)}")
    low, high = _NORMAL_INDEX
    return code, not low <= value < high


def _gestation(match: re.Match[str]) -> tuple[str, bool] | None:
    weeks = int(match["n"])
    of_the_child = _NEWBORN.search(match.string[max(0, match.start() - 60) : match.start()]) or is_newborn(match.string)
    return None if of_the_child or not 8 <= weeks <= 42 else (f"Z3A.{weeks:02}", True)


def _coma(match: re.Match[str]) -> tuple[str, bool] | None:
    score = int(match["n"])
    if not 3 <= score <= 15:
        return None
    return "R40.2430" if score < 9 else "R40.2420" if score < 13 else "R40.2410", score < 14


def _stroke(match: re.Match[str]) -> tuple[str, bool] | None:
    score = int(match["n"])
    return (f"R29.7{score:02}", score > 0) if score <= 42 else None


def _burned(match: re.Match[str]) -> tuple[str, bool] | None:
    share = int(match["n"])
    return ("T31.0" if share < 10 else f"T31.{share // 10}0", True) if share < 100 else None


_STOPPED = re.compile(
    r"\b(?:quit|ex-?|former\w*|stopped|used to|previous\w*|prior|past|history|until|till?|none since|ago|remote\w*|"
    r"den(?:y|ies|ied)|never|not|smoked)\b",
    re.IGNORECASE,
)


def _packs(match: re.Match[str]) -> tuple[str, bool] | None:
    """Cigarettes, where they are smoked still."""
    text, start, end = match.string, match.start(), match.end()
    before = re.split(r"[.;\n]", text[max(0, start - 80) : start])[-1]
    behind = re.split(r"[.;\n]", text[end : end + 60])[0]
    return None if _STOPPED.search(before) or _STOPPED.search(behind) else ("F17.210", True)


def _cigarettes(match: re.Match[str]) -> tuple[str, bool] | None:
    return _packs(match) if int(match["n"]) > 0 else None


def _exfoliated(match: re.Match[str]) -> tuple[str, bool] | None:
    share = int(match["n"])
    return (f"L49.{share // 10}", True) if share < 100 else None


_OF_A_PREGNANCY = (
    r"(?:pre-?)?eclampsia|HELLP|(?:gestational|pregnancy[- ]induced) (?:diabetes|hypertension)|GDM(?:A[12])?|PIH|"
    r"twins?|placenta\w*|vasa pr(?:a)?evia|P?PROM|pre-?(?:labou?r|mature) rupture of (?:the )?membranes|"
    r"ruptured membranes|"
    r"pre-?term (?:labou?r|contractions|premature)|threatened (?:miscarriage|abortion|pre-?term)|miscarriage|"
    r"hyperemesis|fetal|foetal|fetus|foetus|IUGR|FGR|IUFD|stillbirth|breech|transverse lie|oblique lie|unstable lie|"
    r"(?:dichorionic|monochorionic|chorionic|amniotic|diamniotic)|chorioamnionitis|polyhydramnios|oligohydramnios|"
    r"cervical (?:insufficiency|incompetence|cerclage)|(?:short(?:ened)?|incompetent) cervix|"
    r"(?:obstetric|ICP|intrahepatic) cholestasis|cholestasis of pregnancy|"
    r"advanced maternal age|(?:primi|multi)(?:gravida|para)|grand multipara|"
    r"Braxton[- ]Hicks|false labou?r|in labou?r|antepartum|antenatal|post-?dates|post-?term|rh(?:esus)?[- ]negative|"
    r"GBS (?:positive|carrier|colonized)|Group B strep carrier"
)
# Each match of it holds one of these, in small letters.
_PREGNANCY_CUES = tuple(
    "eclampsia|hellp|gestational|pregnancy|gdm|pih|twin|placenta|vasa p|prom|membranes|pre-term|preterm|abortion|"
    "miscarriage|hyperemesis|fetal|foetal|fetus|foetus|iugr|fgr|iufd|stillbirth|breech|transverse lie|oblique lie|"
    "unstable lie|chorionic|amniotic|chorioamnionitis|hydramnios|cervical insuf|cervical incomp|cervical cerc|cervix|"
    "cholestasis|maternal|gravida|primipara|multipara|braxton|in labo|false labo|term labo|antepartum|antenatal|"
    "postdates|post-dates|postterm|post-term|rh-neg|rh neg|rhesus|gbs|group b strep".split("|")
)
_Reading = Callable[[re.Match[str]], tuple[str, bool] | None]
# A text is searched where it holds one of the words, in small letters; of each group, where there are two.
_WEEKS = ("week", "wk")
# Of "31+4", as British midwives and obstetricians write the weeks.
_PLUS_DAYS = (tuple(f"+{day}" for day in range(7)),)
# "38+4", "39 and 1/7th", "35-1/7", "39 plus".
_DAYS = r"(?:th)?(?:(?: ?[+]| and| plus|-)? ?\d/7(?:ths?)?|(?:[+]| and )\d| plus)?"
_MEASURES: tuple[tuple[tuple[tuple[str, ...], ...], re.Pattern[str], _Reading], ...] = (
    (
        (("bmi", "body mass"),),
        re.compile(
            rf"\b(?:BMI|body mass index)\b{_GAP}(?P<n>\d{{2}}(?:\.\d+)?)(?![\d%]|(?:th|st|nd|rd)\b)", re.IGNORECASE
        ),
        _body_mass,
    ),
    (
        (("gestation", "pregnan", " ega", " iup", "intrauterine"),),
        re.compile(
            rf"\b(?P<n>\d{{1,2}}){_DAYS}[ -]?(?:weeks?|wks?)['’]?,? (?:(?:and )?\d days?,? )?"
            r"(?:of )?(?:gestation|gestational|pregnan|EGA|IUP|intrauterine)",
            re.IGNORECASE,
        ),
        _gestation,
    ),
    (
        ((*_WEEKS, "/7"), ("pregnan", "gravida", "gestation", *(f"p{number}" for number in range(10)))),
        re.compile(
            r"\b(?:pregnan(?:t|cy)|gravida|gestation(?:al age)?|G\d+ ?P\d+)[^.;\n]{0,20}?(?:[^.;\n]{0,40}? at )?"
            rf"(?P<n>\d{{1,2}})(?:{_DAYS}[ -](?:weeks?|wks?)\b|(?: and |[ -])\d/7)",
            re.IGNORECASE,
        ),
        _gestation,
    ),
    # What a pregnancy alone has, with the weeks behind it: "preeclampsia at 34 weeks".
    (
        (_WEEKS, _PREGNANCY_CUES),
        re.compile(
            rf"\b(?:{_OF_A_PREGNANCY})\b"
            rf"[^.;\n]{{0,50}}?(?P<n>\d{{1,2}}){_DAYS}[ -](?:weeks?|wks?)\b"
            r"(?! (?:ago|post|later|after|before|previously|earlier|old|time))",
            re.IGNORECASE,
        ),
        _gestation,
    ),
    # The weeks before it: "at 41 weeks, post-dates".
    (
        (_WEEKS, _PREGNANCY_CUES),
        re.compile(
            rf"\b(?<!for )(?P<n>\d{{2}}){_DAYS}[ -](?:weeks?|wks?)\b(?! (?:ago|post|later|after|before|old))"
            rf"[^.;\n]{{0,25}}?\b(?:{_OF_A_PREGNANCY})\b",
            re.IGNORECASE,
        ),
        _gestation,
    ),
    # "38w4d" is so exact only of a pregnancy.
    (
        (tuple(f"w{day}d" for day in range(7)),),
        re.compile(r"\b(?P<n>\d{1,2})w[0-6]d\b", re.IGNORECASE),
        _gestation,
    ),
    ((("gcs", "glasgow"),), re.compile(rf"\b(?:GCS|Glasgow)\b{_GAP}(?P<n>\d{{1,2}})(?!\d)", re.IGNORECASE), _coma),
    ((("nih",),), re.compile(rf"\bNIH(?:SS| stroke scale)\b{_GAP}(?P<n>\d{{1,2}})(?!\d)", re.IGNORECASE), _stroke),
    (
        (("ppd", "pack"),),
        re.compile(
            r"(?<![\w./])(?:\d(?:[./]\d)?|half|one|two|three|(?:a|1/2|half) ?a?)[ -]?"
            r"(?:ppd\b|packs?(?: of cigarettes)?(?: |-)?(?:per|a|/|each|every)(?: |-)?day\b)",
            re.IGNORECASE,
        ),
        _packs,
    ),
    (
        (("cig",),),
        re.compile(
            r"(?<![\w./-])(?P<n>\d{1,2})(?:-\d{1,2})? ?(?:cigarettes|cigs)\.?"
            r"(?: |-)?(?:/|per|a|each|every|daily)(?: |-)?(?:day|d\b)?",
            re.IGNORECASE,
        ),
        _cigarettes,
    ),
    (
        _PLUS_DAYS,
        re.compile(
            r"\b(?:pregnan\w*|gravida|antenatal|primip\w*|multip\w*|obstet\w*|G\d+ ?P\d+)\b[^\n;]{0,60}?"
            r"(?<![\d.])(?P<n>\d{2}) ?\+ ?[0-6]"
            r"(?:/7|/40)?(?![\d.])",
            re.IGNORECASE,
        ),
        _gestation,
    ),
    # Of toxic epidermal necrolysis and scalded skin, which are coded with the share of the skin that came off.
    (
        (("detach", "exfolia", "slough", "denud", "desquam", "necrolysis"),),
        re.compile(
            r"\b(?:detach\w+|exfoliat\w+|slough\w*|denud\w+|desquamat\w+|necrolysis)\b[^.\n]{0,60}?\b(?P<n>\d{1,2}) ?% "
            r"(?:of )?(?:the |his |her )?(?:total )?(?:body|TBSA|BSA|skin)",
            re.IGNORECASE,
        ),
        _exfoliated,
    ),
    (
        (("burn",),),
        re.compile(r"\bburn[^.\n]{0,60}?\b(?P<n>\d{1,2}) ?% (?:of )?(?:the )?(?:total )?(?:body|TBSA|BSA)", re.I),
        _burned,
    ),
)
# What is measured stands near one of the first words; but a "31 + 4" may be written otherwise than the "+4" by which a
# text with such weeks is known, and stand anywhere.
_CUED = tuple(
    (words, CuedPattern(pattern, words[0], reach=1_000_000 if words is _PLUS_DAYS else 300), read)
    for words, pattern, read in _MEASURES
)


def measures(text: str) -> Iterator[Measure]:
    """Those that the text states, kind by kind."""
    small = in_small_letters(text)
    for words, pattern, read in _CUED:
        if not all(holds_one(text, group) for group in words):
            continue
        for match in pattern.finditer(text, small):
            found = read(match)
            if found:
                yield Measure(match.start(), match.end(), Code("icd10cm", found[0]), found[1])
