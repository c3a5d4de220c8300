"""The product: a coder that takes a note and answers with codes, scores and evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from icdcoder.core import components
from icdcoder.core.artefact import load_card, verify
from icdcoder.core.code import Code
from icdcoder.core.config import build, read_toml
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.core.note import Note
from icdcoder.core.prediction import AttendingPredictor, Prediction, Predictor

if TYPE_CHECKING:
    from icdcoder.explain.concepts import CodeReasons

FORMAT = 1
CARD = "coder.json"
NEEDED = ("format", "name", "version", "predictor", "edition", "files")
BUILTIN_SYSTEMS = ("icd10cm", "icd10pcs", "icd9cm")


@dataclass(frozen=True)
class Visit:
    """What the rules of the code set ask for beside the note: the date of service, the patient's age in years and sex;
    None where it is not known."""

    served: date | None = None
    age: float | None = None
    sex: Literal["female", "male"] | None = None


@dataclass(frozen=True)
class Coder:
    """A predictor, with the explainer that finds evidence where the predictor brings none of its own.

    coder = Coder.builtin()                # the dictionary coder, ICD-10-CM, nothing to train or download
    coder = Coder.load("runs/tiny/coder")  # a trained one
    prediction = coder.code("…")
    """

    predictor: Predictor
    explainer: str | None = None
    spans: int = 3
    card: dict[str, Any] | None = None
    # Whether the rules of the code set (decide/constraints.py) are applied where the caller does not say.
    rules: bool = False

    @classmethod
    def builtin(cls, system: str = "icd10cm", edition: str = "current") -> Coder:
        """The dictionary coder. system: "icd10cm", "icd10pcs", or "icd9cm" (diagnoses and procedures). edition: that
        of the codes it gives; an older one is for notes and corpora that were coded by it.

        Raises ConfigError for another.
        """
        from icdcoder.core.errors import did_you_mean

        if system not in BUILTIN_SYSTEMS:
            raise ConfigError(
                f"The built-in coder has no code system {system!r}.{did_you_mean(system, list(BUILTIN_SYSTEMS))} "
                f"Known: {', '.join(BUILTIN_SYSTEMS)}."
            )
        module = components.load("predictors", "lexicon")
        return cls(module.build(build(module.Config, {"system": system, "edition": edition}, "")), rules=True)

    @classmethod
    def load(cls, folder: str | Path) -> Coder:
        """A coder folder written by `icdcoder decide` or `icdcoder pack`; sizes and hashes of its files are checked.
        Or a TOML file with the settings of a predictor that needs no training, as docs/prompted.md shows.

        Raises ArtefactError where a file is missing or damaged, MissingExtraError where a library is.
        """
        folder = Path(folder)
        if folder.suffix == ".toml":
            return cls._configured(folder)
        if not folder.exists():
            raise ArtefactError(f"There is no coder folder {folder}.")
        if not (folder / CARD).exists() and (folder / "coder" / CARD).exists():
            raise ArtefactError(f"{folder} is the folder of an experiment; its coder is {folder / 'coder'}.")
        card = load_card(folder / CARD, "a coder folder", NEEDED)
        if card["format"] != FORMAT:
            raise ArtefactError(f"{folder} has format {card['format']}; this icdcoder reads format {FORMAT}.")
        verify(folder, card["files"])
        predictor = components.load("predictors", card["predictor"]).load(folder, card)
        explain = card.get("explain") or {}
        return cls(predictor, explain.get("kind"), explain.get("spans", 3), card, bool(card.get("rules", False)))

    @classmethod
    def _configured(cls, path: Path) -> Coder:
        settings = read_toml(path)
        kind = settings.pop("predictor", None)
        if not isinstance(kind, str):
            raise ConfigError(f'{path} does not say which predictor it configures, as in: predictor = "prompted"')
        module = components.load("predictors", kind)
        if not (hasattr(module, "Config") and hasattr(module, "build")):
            raise ConfigError(f"The predictor {kind!r} is trained: give the folder of a coder instead of {path}.")
        return cls(module.build(build(module.Config, settings, "")))

    def code(
        self, note: Note | str, *, top: int | None = None, rules: bool | None = None, visit: Visit | None = None
    ) -> Prediction:
        """The codes of one note. top: at most that many ranked candidates (accepted ones are never cut). rules:
        whether the rules of the code set are applied (None: as the coder's card says; the built-in one: yes).
        visit: what is known beside the note, for these rules; what it leaves open is looked for in the note."""
        if isinstance(note, str):
            note = Note("note", note)
        return next(iter(self.code_all([note], top=top, rules=rules, visit=visit)))

    def code_all(
        self,
        notes: Sequence[Note],
        *,
        top: int | None = None,
        rules: bool | None = None,
        visit: Visit | None = None,
    ) -> Iterator[Prediction]:
        """One prediction a note, in order; see `code`."""
        ruled = self.rules if rules is None else rules
        for note, prediction in zip(notes, self.predictor.predict(notes, top=top), strict=True):
            yield self._explained(note, _ruled(note, prediction, visit or Visit()) if ruled else prediction)

    def concepts(
        self, note: Note | str, codes: Sequence[Code] = (), answers: Mapping[str, float | str] | None = None
    ) -> tuple[CodeReasons, ...]:
        """Which concepts speak for each code and which are missing, for a coder over concepts. codes: none: those that
        are accepted. answers: {name of a concept: "yes", "no" or a probability}; codes follow at once.

        coder.concepts(note, answers={"lisinopril": "no"})

        Raises ConfigError where the coder has no concepts, InputError for an unknown concept or code.
        """
        from icdcoder.explain.concepts import reasons

        return reasons(self.predictor, Note("note", note) if isinstance(note, str) else note, codes, answers)

    def _explained(self, note: Note, prediction: Prediction) -> Prediction:
        accepted = [c.code for c in prediction.codes if c.accepted]
        if self.explainer is None or not accepted or not isinstance(self.predictor, AttendingPredictor):
            return prediction
        module = components.load("explain", self.explainer)
        evidence = module.explain(self.predictor, note, accepted, spans=self.spans)
        codes = tuple(replace(c, evidence=evidence.get(c.code, ())) for c in prediction.codes)
        return replace(prediction, codes=codes)


def _ruled(note: Note, prediction: Prediction, visit: Visit) -> Prediction:
    from icdcoder.decide import constraints

    told = constraints.stated(note.text)
    patient = constraints.Patient(told.age if visit.age is None else visit.age, visit.sex or told.sex)
    served = visit.served or constraints.stated_date(note.text, date.today())
    return constraints.apply(prediction, patient=patient, served=served)
