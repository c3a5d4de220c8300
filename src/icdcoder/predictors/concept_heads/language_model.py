"""A language model that is asked of each code whether it is to be coded, given the note and what it says of concepts.

Stage 2 of Fatemi et al. (PMLR 297, 2026). It differs from their code where that tells the model the answer: there, the
training prompts say outright whether the note has the code, and answer "yes" to all concepts of gold codes. Here
the prompt of a training note is the prompt of any other note, with the answers that a scorer of concepts gave which had
not seen it; and the score is a probability, from one reading of the note for all its codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from icdcoder.core.label_space import LabelSpace
from icdcoder.core.note import Note
from icdcoder.core.prediction import Span
from icdcoder.knowledge import descriptions
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.nn.asking.fine_tuning import UNWATCHED, Course
from icdcoder.predictors.asking.asker import Asker, AskingConfig, Example, Fields, files
from icdcoder.text.sample import Sampler, head

STEM = "code_model"
PLACES = frozenset({"findings", "code"})
TABLE = "[model.asking]"
# Of a code's own concepts; more would make each question longer than it is worth.
SHOWN = 8
Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Questionnaire:
    """concepts: names. own: of each code, the numbers of its concepts. titles: of the codes."""

    concepts: Sequence[str]
    own: Sequence[npt.NDArray[np.int64]]
    titles: Sequence[str]

    def of(self, scores: Matrix) -> Sequence[Fields]:
        """scores: of the concepts of one note. One question a code, made when it is looked at."""
        return _Questions(self, scores)

    def fields(self, scores: Matrix, code: int) -> Mapping[str, str]:
        answers = (f"{self.concepts[i]}: {'yes' if scores[i] >= 0.5 else 'no'}" for i in self.own[code][:SHOWN])
        return {"findings": "; ".join(answers) or "none", "code": self.titles[code]}


def questionnaire(concepts: ConceptSet, space: LabelSpace) -> Questionnaire:
    """What a language model is asked of each code."""
    membership, _ = concepts.membership(space.codes)
    titles = [title or code.value for code, title in zip(space.codes, descriptions.of(space.codes), strict=True)]
    return Questionnaire([c.name for c in concepts], [np.flatnonzero(row) for row in membership], titles)


class _Questions(Sequence[Fields]):
    def __init__(self, about: Questionnaire, scores: Matrix) -> None:
        self._about, self._scores = about, scores

    def __len__(self) -> int:
        return len(self._about.titles)

    def __getitem__(self, code: int | slice) -> Fields:  # pyright: ignore[reportIncompatibleMethodOverride]
        if isinstance(code, slice) or not 0 <= code < len(self):
            raise IndexError(code)
        return self._about.fields(self._scores, int(code))


@dataclass(frozen=True)
class AskingStage:
    asker: Asker
    about: Questionnaire

    files = files(STEM)

    def probabilities(self, scores: Matrix, notes: Sequence[Note], codes: Sequence[int] | None = None) -> Matrix:
        """Matrix "note code"; see `SecondStage`. Of one note, a question that comes twice is asked once."""
        wanted = range(len(self.about.titles)) if codes is None else codes
        if len(notes) == len(scores):
            rows = [self._of_note(note, row[None], wanted)[0] for note, row in zip(notes, scores, strict=True)]
            return np.stack(rows)
        return self._of_note(notes[0], scores, wanted)

    def left_unread(self, scores: Matrix, note: Note) -> tuple[Span, ...]:
        return self.asker.left_unread(note, list(self.about.of(scores)))

    def _of_note(self, note: Note, scores: Matrix, codes: Sequence[int]) -> Matrix:
        places: dict[tuple[str, str], int] = {}
        asked: list[Fields] = []
        where = np.zeros((len(scores), len(codes)), dtype=np.int64)
        for row, own in enumerate(scores):
            for column, code in enumerate(codes):
                fields = self.about.fields(own, code)
                key = (fields["findings"], fields["code"])
                if key not in places:
                    places[key] = len(asked)
                    asked.append(fields)
                where[row, column] = places[key]
        return self.asker.probabilities(note, asked)[where]

    def save(self, folder: Path) -> None:
        self.asker.save(folder, STEM)


def fit(
    config: AskingConfig,
    about: Questionnaire,
    notes: Sequence[Note],
    scores: Matrix,
    gold: npt.NDArray[np.bool_],
    seed: int,
    course: Course = UNWATCHED,
    sampler: Sampler = head,
) -> AskingStage:
    """scores: of the concepts, by scorers that have not seen the note. Raises ConfigError, MissingExtraError."""
    asker = Asker.new(config, "code", PLACES, TABLE, seed, sampler)
    examples = [
        Example(note, about.of(row), truth)
        for note, row, truth in zip(notes, scores, gold.astype(np.float32), strict=True)
    ]
    asker.fit(examples, seed, course)
    return AskingStage(asker, about)


def load(folder: Path, config: AskingConfig, about: Questionnaire, sampler: Sampler = head) -> AskingStage:
    return AskingStage(Asker.read(config, folder, STEM, PLACES, sampler), about)
