"""The built-in coder: a dictionary of all codes of a system, read with assertion and sections. Nothing is trained.

It gives evidence for every code, needs no torch, and starts from a compiled dictionary that is built once and kept
in the cache folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.config import Settings
from icdcoder.core.note import Note
from icdcoder.core.prediction import CodePrediction, CoderName, Evidence, Prediction
from icdcoder.core.version import VERSION
from icdcoder.predictors.dictionary.candidates.features import matrix
from icdcoder.predictors.dictionary.candidates.scoring import ACCEPTED, Candidate, Descriptions, Habits, candidates
from icdcoder.predictors.dictionary.compiled import Dictionary, cached
from icdcoder.predictors.dictionary.editions import Edition, OlderEdition
from icdcoder.predictors.dictionary.mentions import Reading, mentions
from icdcoder.predictors.dictionary.read_off.themes import Drugs
from icdcoder.predictors.dictionary.terms import NO_CONDITION, PAST_PROCEDURES, Own, terms
from icdcoder.text.language import not_english

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from icdcoder.systems.table.contract import CodeSystem

DEFAULT_TOP = 20
EVIDENCE_SPANS = 5
# Candidates below this are noise, and shown only on demand: a negated mention alone, a family member's disease.
FLOOR = 0.10
NOT_ENGLISH = "The note does not seem to be in English, which is the only language that the built-in coder reads."
PARTS = {"icd10cm": ("icd10cm",), "icd10pcs": ("icd10pcs",), "icd9cm": ("icd9cm", "icd9pcs")}


class Config(Settings):
    """system: "icd10cm" (diagnoses), "icd10pcs" (procedures) or "icd9cm" (diagnoses and procedures, as in
    MIMIC-III).

    edition: of the codes that are given; "2018", "2017", or "2017-short" without the seventh character (CodiEsp).
    wordings: a file of your own in the form of our expressions (docs/dictionary.md), which count before ours.
    no_condition: a file of phrases, one a line, that hold the name of a condition and mean none.
    The rest are switches for ablations. index: the alphabetic index and neoplasm table where they have been fetched.
    expressions: those of knowledge/data. assertion, sections, gaps: what of a note is looked at.
    integral: a symptom is not coded beside the condition that it belongs to, nor a rest class beside the named one.
    specific: a general code is not given beside a more specific one of the note.
    """

    system: Literal["icd10cm", "icd10pcs", "icd9cm"] = "icd10cm"
    edition: Edition = "current"
    wordings: Path | None = None
    no_condition: Path | None = None
    index: bool = True
    expressions: bool = True
    assertion: bool = True
    sections: bool = True
    gaps: bool = True
    integral: bool = True
    specific: bool = True


@dataclass(frozen=True)
class LexiconPredictor:
    name: CoderName
    system: str
    edition: str
    dictionary: Dictionary
    systems: dict[str, CodeSystem]
    descriptions: Descriptions
    reading: Reading
    older: OlderEdition
    habits: Habits
    drugs: Drugs | None

    def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
        """Predictions with evidence, in order; see Predictor."""
        for note in notes:
            yield self._prediction(note, top)

    def _prediction(self, note: Note, top: int | None) -> Prediction:
        if not note.text.strip():
            return Prediction(note.id, self.name, self.system, self.edition, (), warnings=("The note is empty.",))
        floor = FLOOR if top is None else 0.0
        top = DEFAULT_TOP if top is None else top
        codes: dict[Code, CodePrediction] = {}
        for candidate in self.candidates(note):
            accepted = candidate.score >= ACCEPTED
            if not accepted and (len(codes) >= top or candidate.score < floor):
                break
            code = self.older.code(candidate.code)
            if code not in codes:
                codes[code] = _code(note, code, candidate, self.descriptions[candidate.code], accepted)
        warnings = (NOT_ENGLISH,) if not_english(note.text) else ()
        return Prediction(note.id, self.name, self.system, self.edition, tuple(codes.values()), warnings=warnings)

    def candidates(self, note: Note) -> list[Candidate]:
        """Every code that anything in the note may stand for, the highest score first; none is accepted or left out."""
        found = mentions(note, self.dictionary, self.reading, self.drugs)
        return candidates(found, self.dictionary, self.descriptions, note.text, self.habits)

    def features(self, note: Note, found: Sequence[Candidate]) -> npt.NDArray[np.float32]:
        """ "candidate feature": numbers for a ranker, named in predictors/dictionary/features.py."""
        return matrix(found, len(note.text), len(note.text.split()))


def build(config: Config) -> LexiconPredictor:
    """Loads the compiled dictionary, or compiles it (some seconds, once, and again for other wordings of your own).
    Raises InputError where a file of your own cannot be read or a line of it is malformed."""
    from icdcoder.knowledge import expressions, index_terms, sources
    from icdcoder.predictors.dictionary.sides import sided

    systems = {name: components.load("systems", name).load() for name in PARTS[config.system]}
    editions = [f"{name} {system.edition} {len(system)}" for name, system in systems.items()]
    index = config.index and config.system == "icd10cm" and sources.located(index_terms.SOURCE) is not None
    own = Own.read(config.wordings, config.no_condition)
    dictionary = cached(
        [*editions, f"{index} {config.expressions} {own}", *expressions.files(), *_own_files()],
        config.system,
        chain.from_iterable(
            terms(system, with_expressions=config.expressions, with_index=index, own=own) for system in systems.values()
        ),
        lambda: {code: sides for system in systems.values() for code, sides in sided(system).items()},
    )
    return LexiconPredictor(
        name=CoderName("builtin", VERSION),
        system=config.system,
        edition=next(iter(systems.values())).edition if config.edition == "current" else config.edition,
        dictionary=dictionary,
        systems=systems,
        descriptions=Descriptions(systems),
        reading=Reading(assertion=config.assertion, sections=config.sections, gaps=config.gaps),
        older=OlderEdition(config.edition),
        drugs=_drugs(systems) if config.expressions else None,
        habits=Habits(integral=config.integral, specific=config.specific),
    )


def _drugs(systems: dict[str, CodeSystem]) -> Drugs | None:
    from icdcoder.knowledge import table_of_drugs

    system = systems.get("icd10cm")
    return None if system is None else Drugs(table_of_drugs.load(), lambda code: code in system)


def _own_files() -> list[Path]:
    """The code and the data that decide what is in the dictionary are part of the cache's key."""
    from icdcoder.predictors.dictionary import compiled, index_wordings, neoplasm_wordings, sides, words
    from icdcoder.predictors.dictionary import terms as wordings
    from icdcoder.text import normal_form, spelling, term_index, word_variants

    modules = (compiled, wordings, index_wordings, neoplasm_wordings, sides, words)
    modules = (*modules, normal_form, spelling, term_index, word_variants)
    return [
        *(Path(str(module.__file__)) for module in modules),
        NO_CONDITION,
        PAST_PROCEDURES,
        compiled.EVERYDAY,
        compiled.WEAK,
        word_variants.DATA,
    ]


def _code(note: Note, code: Code, candidate: Candidate, description: str, accepted: bool) -> CodePrediction:
    spans = _apart((m.start, m.end) for m in candidate.mentions[:EVIDENCE_SPANS])
    evidence = tuple(Evidence(start, end, note.text[start:end], "lexicon") for start, end in spans)
    return CodePrediction(code, description, round(candidate.score, 4), accepted, evidence)


def _apart(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Rising; those that share characters become one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
