"""A fine-tuned language model as a predictor: it writes codes, attends to them, or both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from icdcoder.core.answering import Answered
from icdcoder.core.code import Code
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.note import Note
from icdcoder.core.prediction import CoderName, Prediction
from icdcoder.models import generative_coder
from icdcoder.models.generative_coder import GenerativeCoder
from icdcoder.nn.contract import CodingModel
from icdcoder.predictors import neural
from icdcoder.predictors.generation.answering import WAYS, Answering, Answers, Decoding
from icdcoder.predictors.generation.rule import Rule
from icdcoder.predictors.neural import DEFAULT_TOP, NOTES_AT_ONCE, NeuralPredictor, Read
from icdcoder.text.reader import Reader
from icdcoder.text.readers.subwords import Subwords

OUTSIDE = "The model wrote {} that the label space does not hold."
PROSE = "The model wrote no codes that could be read."
CUT = "The model's answer had no end and was cut."


@dataclass(frozen=True)
class GenerativePredictor:
    """read: reads notes, and attends. answering: asks the model. rule: what counts of its answers. thresholds: of each
    way of answering alone."""

    reading: NeuralPredictor
    answering: Answering
    rule: Rule
    thresholds: Mapping[str, float]

    @property
    def name(self) -> CoderName:
        return self.reading.name

    @property
    def space(self) -> LabelSpace:
        return self.reading.space

    def probabilities(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        """Matrix "note code"."""
        return self.rule(self._answers([self.reading.read(note) for note in notes], self.rule.ways))

    def answered(self, notes: Sequence[Note]) -> Answered:
        """What counts, and each way of answering; see AnsweringCoder."""
        answers = self._answers([self.reading.read(note) for note in notes], WAYS)
        return Answered(self.rule(answers), answers.by_way, answers.counts)

    def attention(self, note: Note, codes: Sequence[Code]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Of the label attention, whichever answer counts; see AttendingPredictor. Raises ArtefactError where the
        model has none."""
        return self.reading.attention(note, codes)

    def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
        """Predictions without evidence: an explainer adds it. What could not be read of an answer is a warning."""
        for start in range(0, len(notes), NOTES_AT_ONCE):
            part = notes[start : start + NOTES_AT_ONCE]
            reads = [self.reading.read(note) for note in part]
            answers = self._answers(reads, self.rule.ways)
            for i, (note, read, row) in enumerate(zip(part, reads, self.rule(answers), strict=True)):
                found = self.reading.prediction(note, read, row, DEFAULT_TOP if top is None else top)
                # Of a note without a word the answer says nothing.
                yield _warned(found, answers, i) if len(read.tokens) else found

    def _answers(self, reads: Sequence[Read], ways: Sequence[str]) -> Answers:
        return self.answering.answers(self.reading.notes(reads), ways=ways)


def load(folder: Path, card: dict[str, Any]) -> GenerativePredictor:
    """Builds the predictor of a coder folder whose card has been read and whose files have been verified."""
    reading = neural.load(folder, card)
    try:
        told = card["answers"]
        decoding, rule, thresholds = told["decoding"], Rule.from_json(told["rule"]), dict(told["thresholds"])
    except (KeyError, TypeError) as error:
        raise ArtefactError(f"The card of {folder} does not say how its model answers: {error} is missing.") from None
    config = generative_coder.Config(**{key: value for key, value in card["model"].items() if key != "kind"})
    answering = asked(reading.model, reading.reader, reading.space, config, decoding)
    return GenerativePredictor(reading, answering, rule, thresholds)


def asked(
    model: CodingModel | nn.Module,
    reader: Reader,
    space: LabelSpace,
    config: generative_coder.Config,
    decoding: Decoding,
    batch_size: int = NOTES_AT_ONCE,
) -> Answering:
    """How a trained model is asked. Raises ConfigError where the notes were not cut by a tokenizer of subwords."""
    if not isinstance(model, GenerativeCoder) or not isinstance(reader, Subwords):
        raise ConfigError("A generative coder reads and writes subwords: set text.tokens to 'subwords'.")
    return Answering(
        model,
        space,
        generative_coder.answer_format(config, space),
        reader.decode,
        decoding=decoding,
        most_tokens=config.most_answer_tokens,
        batch_size=batch_size,
    )


def _warned(found: Prediction, answers: Answers, row: int) -> Prediction:
    said = []
    if answers.outside[row]:
        count = answers.outside[row]
        said.append(OUTSIDE.format("1 code" if count == 1 else f"{count} codes"))
    said += [PROSE] * bool(answers.prose[row]) + [CUT] * bool(answers.cut[row])
    return replace(found, warnings=(*found.warnings, *said)) if said else found
