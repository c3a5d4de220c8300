"""The product: a coder that takes a note and answers with codes, scores and evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from icdcoder.core import components
from icdcoder.core.artefact import load_card, verify
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.core.note import Note
from icdcoder.core.prediction import AttendingPredictor, Prediction, Predictor

FORMAT = 1
CARD = "coder.json"
NEEDED = ("format", "name", "version", "predictor", "edition", "files")
BUILTIN_SYSTEMS = ("icd10cm", "icd9cm")


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

    @classmethod
    def builtin(cls, system: str = "icd10cm") -> Coder:
        """The dictionary coder. system: "icd10cm" or "icd9cm" (diagnoses and procedures). Raises ConfigError."""
        from icdcoder.core.errors import did_you_mean

        if system not in BUILTIN_SYSTEMS:
            raise ConfigError(
                f"The built-in coder has no code system {system!r}.{did_you_mean(system, list(BUILTIN_SYSTEMS))} "
                f"Known: {', '.join(BUILTIN_SYSTEMS)}."
            )
        module = components.load("predictors", "lexicon")
        return cls(module.build(module.Config(system=system)))

    @classmethod
    def load(cls, folder: str | Path) -> Coder:
        """A coder folder written by `icdcoder decide` or `icdcoder pack`; sizes and hashes of its files are checked.

        Raises ArtefactError where a file is missing or damaged, MissingExtraError where a library is.
        """
        folder = Path(folder)
        if not folder.exists():
            raise ArtefactError(f"There is no coder folder {folder}.")
        card = load_card(folder / CARD, "a coder folder", NEEDED)
        if card["format"] != FORMAT:
            raise ArtefactError(f"{folder} has format {card['format']}; this icdcoder reads format {FORMAT}.")
        verify(folder, card["files"])
        predictor = components.load("predictors", card["predictor"]).load(folder, card)
        explain = card.get("explain") or {}
        return cls(predictor, explain.get("kind"), explain.get("spans", 3), card)

    def code(self, note: Note | str, *, top: int | None = None) -> Prediction:
        """The codes of one note. top: at most that many ranked candidates (accepted ones are never cut)."""
        if isinstance(note, str):
            note = Note("note", note)
        return next(iter(self.code_all([note], top=top)))

    def code_all(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
        """One prediction a note, in order."""
        for note, prediction in zip(notes, self.predictor.predict(notes, top=top), strict=True):
            yield self._explained(note, prediction)

    def _explained(self, note: Note, prediction: Prediction) -> Prediction:
        accepted = [c.code for c in prediction.codes if c.accepted]
        if self.explainer is None or not accepted or not isinstance(self.predictor, AttendingPredictor):
            return prediction
        module = components.load("explain", self.explainer)
        evidence = module.explain(self.predictor, note, accepted, spans=self.spans)
        codes = tuple(replace(c, evidence=evidence.get(c.code, ())) for c in prediction.codes)
        return replace(prediction, codes=codes)
