"""What a note says that no wording of the dictionary stands for: numbers that are codes, what drugs did, lists of
allergies, where a cancer has spread to, what a stroke left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.read_off.allergies import allergies
from icdcoder.predictors.dictionary.read_off.drugs import effects
from icdcoder.predictors.dictionary.read_off.measures import measures
from icdcoder.predictors.dictionary.read_off.metastases import origins, spreads
from icdcoder.predictors.dictionary.read_off.newborn import born, is_newborn
from icdcoder.predictors.dictionary.read_off.pregnancy import outcomes
from icdcoder.predictors.dictionary.read_off.receptors import receptors
from icdcoder.predictors.dictionary.read_off.sequelae import sequelae
from icdcoder.predictors.dictionary.read_off.spine import vertebral_fractures
from icdcoder.predictors.dictionary.read_off.transport import accidents
from icdcoder.predictors.dictionary.read_off.wounds import wounds
from icdcoder.text.clean import Cleaned
from icdcoder.text.sections import Section

# Poisoning by drugs, their adverse effects and underdosing.
_OF_DRUGS = tuple(f"icd10cm:T{number}" for number in range(36, 51))
_SECONDARY = ("icd10cm:C77", "icd10cm:C78", "icd10cm:C79")
_CANCER = ("icd10cm:C", "icd10cm:D0", "icd10cm:D1", "icd10cm:D2", "icd10cm:D3", "icd10cm:D4")
_OF_STROKES = tuple(
    f"icd10cm:{value}"
    for value in "G81 G83.1 G83.2 G83.3 I60 I61 I62 I63 I69 Z86.73 R13.1 R20 R26 R27 R29.8 R41 R47 R48 R53.1".split()
)
_OF_VERTEBRAE = tuple(f"icd10cm:{value}" for value in "S12 S22.0 S32.0 M48.5 M84.4 T14.8".split())
_OF_BIRTHS = tuple(f"icd10cm:{value}" for value in "A41 J80 P07 P22 P36 R06 Z3A Z38".split())
_OF_WOUNDS = (
    "icd10cm:T14.8",
    *(f"icd10cm:S{part}{kind}" for part in range(10) for kind in (0, 1, 7, 9)),
    *(f"icd10cm:T{number}" for number in (20, 21, 22, 23, 24, 25, 30)),
)
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Drugs:
    """stems: of knowledge/table_of_drugs.py. exists: whether the edition has a code."""

    stems: Mapping[str, str]
    exists: Callable[[Code], bool]


@dataclass(frozen=True, slots=True)
class ReadOff:
    """start, end: into the cleaned text. telling: whether it says something by itself."""

    start: int
    end: int
    code: Code
    telling: bool = True


@dataclass(frozen=True, slots=True)
class ReadingsOff:
    """found: in no order. The rest are spans of the text as the user sent it: of drugs; of the sites that a cancer has
    spread to, of the ways from the words that say so to them, of what a metastasis comes from; of strokes with what
    they left; of broken vertebrae; of what is told of a birth; of accidents on the road; of wounds with their sites."""

    found: tuple[ReadOff, ...]
    drugs: tuple[Span, ...]
    sites: tuple[Span, ...]
    ways: tuple[Span, ...]
    origins: tuple[Span, ...]
    strokes: tuple[Span, ...]
    vertebrae: tuple[Span, ...]
    newborn: tuple[Span, ...]
    accidents: tuple[Span, ...]
    wounds: tuple[Span, ...]

    def tell(self, code: str, start: int, end: int) -> bool:
        """Whether what stands there is told by one of them, and better than by a wording that stands for the code."""
        theme = _theme(code)
        if theme is None:
            return False
        if theme == "accidents":
            return bool(self.accidents)
        spans: tuple[Span, ...] = getattr(self, theme)
        if theme != "ways":
            return _overlap(spans, start, end)
        # What goes beyond the site, or comes in from before the words, joins what does not belong together.
        inside = (start < stop - 1 and stop - 1 < end and first <= start for first, stop in self.origins)
        return _overlap(spans, start, end) or any(inside)


# The spans that tell better, the first for a code that fits several.
_THEMES = (
    ("drugs", _OF_DRUGS),
    ("ways", _SECONDARY),
    ("sites", _CANCER),
    ("newborn", _OF_BIRTHS),
    ("accidents", ("icd10cm:V",)),
    ("vertebrae", _OF_VERTEBRAE),
    ("wounds", _OF_WOUNDS),
    ("strokes", _OF_STROKES),
)


@lru_cache(maxsize=100_000)
def _theme(code: str) -> str | None:
    return next((theme for theme, beginnings in _THEMES if code.startswith(beginnings)), None)


def read_off(cleaned: Cleaned, sections: Sequence[Section], drugs: Drugs | None) -> ReadingsOff:
    """drugs: for codes of what drugs did; None for none."""
    text = cleaned.text
    found = [ReadOff(one.start, one.end, one.code, one.telling) for one in measures(text)]
    if drugs is not None:
        known = drugs.stems, drugs.exists
        told = chain(effects(text, *known), allergies(text, sections, *known))
        found += [ReadOff(one.start, one.end, one.code) for one in told]
    found += [ReadOff(*one) for one in outcomes(text)]
    found += [ReadOff(*one) for one in receptors(text)]
    accident = list(accidents(text))
    found += [ReadOff(*one) for one in accident]
    newborn = list(born(text)) if is_newborn(text) else []
    found += [ReadOff(*one) for one in newborn]
    of_drugs = [(one.start, one.end) for one in found if str(one.code).startswith("icd10cm:T")]
    spread, left = list(spreads(text)), list(sequelae(text))
    found += [ReadOff(one.start, one.end, one.code) for one in chain(spread, left)]
    broken = list(vertebral_fractures(text))
    found += [ReadOff(*one) for one in broken]
    hurt = list(wounds(text))
    found += [ReadOff(*one) for one in hurt]
    strokes = [span for one in left for span in ((one.start, one.end), one.stroke)]
    sites = [(one.start, one.end) for one in spread]
    ways = [(min(one.start, one.cue[0]), max(one.end, one.cue[1])) for one in spread]

    def source(spans: Sequence[Span]) -> tuple[Span, ...]:
        return tuple(cleaned.to_source(*span) for span in spans)

    return ReadingsOff(
        tuple(found),
        source(of_drugs),
        source(sites),
        source(ways),
        source(list(origins(text))),
        source(strokes),
        source([(start, end) for start, end, _ in broken]),
        source([(start, end) for start, end, _ in newborn]),
        source([(start, end) for start, end, _ in accident]),
        source([(start, end) for start, end, _ in hurt]),
    )


def _overlap(spans: Sequence[Span], start: int, end: int) -> bool:
    return any(start < stop and first < end for first, stop in spans)
