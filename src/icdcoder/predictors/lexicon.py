"""The built-in coder: a dictionary of all codes of a system, read with assertion and sections. Nothing is trained.

It gives evidence for every code, needs no torch, and starts from a compiled dictionary that is built once and kept
in the cache folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.config import Settings
from icdcoder.core.note import Note
from icdcoder.core.prediction import CodePrediction, CoderName, Evidence, Prediction
from icdcoder.core.version import VERSION
from icdcoder.predictors.dictionary.compiled import Dictionary, cached
from icdcoder.predictors.dictionary.mentions import mentions
from icdcoder.predictors.dictionary.scoring import ACCEPTED, Candidate, candidates
from icdcoder.predictors.dictionary.terms import NO_CONDITION, terms

if TYPE_CHECKING:
    from icdcoder.systems.table.contract import CodeSystem

DEFAULT_TOP = 20
EVIDENCE_SPANS = 5
# Candidates below this are noise: a negated mention alone, a family member's disease.
FLOOR = 0.10
PARTS = {"icd10cm": ("icd10cm",), "icd9cm": ("icd9cm", "icd9pcs")}


class Config(Settings):
    """system: "icd10cm" (diagnoses) or "icd9cm" (diagnoses and procedures, as MIMIC-III is coded)."""

    system: Literal["icd10cm", "icd9cm"] = "icd10cm"


@dataclass(frozen=True)
class LexiconPredictor:
    name: CoderName
    system: str
    edition: str
    dictionary: Dictionary
    systems: dict[str, CodeSystem]

    def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
        """Predictions with evidence, in order; see Predictor."""
        for note in notes:
            yield self._prediction(note, DEFAULT_TOP if top is None else top)

    def _prediction(self, note: Note, top: int) -> Prediction:
        if not note.text.strip():
            return Prediction(note.id, self.name, self.system, self.edition, (), warnings=("The note is empty.",))
        found = mentions(note, self.dictionary)
        numbers = {sense.code for mention in found for sense in mention.senses}
        described = {code: self._description(code) for code in map(self.dictionary.code, numbers)}
        codes = []
        for rank, candidate in enumerate(candidates(found, self.dictionary, described)):
            accepted = candidate.score >= ACCEPTED
            if not accepted and (rank >= top or candidate.score < FLOOR):
                break
            codes.append(_code(note, candidate, described[candidate.code], accepted))
        return Prediction(note.id, self.name, self.system, self.edition, tuple(codes))

    def _description(self, code: Code) -> str:
        return self.systems[code.system].description(code)


def build(config: Config) -> LexiconPredictor:
    """Loads the compiled dictionary, or compiles it (some seconds, once)."""
    from icdcoder.knowledge import expressions

    systems = {name: components.load("systems", name).load() for name in PARTS[config.system]}
    editions = [f"{name} {system.edition} {len(system)}" for name, system in systems.items()]
    dictionary = cached(
        [*editions, *expressions.files(), NO_CONDITION, *_own_sources()],
        config.system,
        (term for system in systems.values() for term in terms(system)),
    )
    return LexiconPredictor(
        name=CoderName("builtin", VERSION),
        system=config.system,
        edition=next(iter(systems.values())).edition,
        dictionary=dictionary,
        systems=systems,
    )


def _own_sources() -> list[Path]:
    """The code that decides what is in the dictionary is part of the cache's key."""
    from icdcoder.predictors.dictionary import compiled
    from icdcoder.predictors.dictionary import terms as wordings
    from icdcoder.text import normal_form, term_index

    return [Path(str(module.__file__)) for module in (compiled, wordings, normal_form, term_index)]


def _code(note: Note, candidate: Candidate, description: str, accepted: bool) -> CodePrediction:
    spans = sorted({(m.start, m.end) for m in candidate.mentions[:EVIDENCE_SPANS]})
    evidence = tuple(Evidence(start, end, note.text[start:end], "lexicon") for start, end in spans)
    return CodePrediction(candidate.code, description, round(candidate.score, 4), accepted, evidence)
