"""Decide for a model that writes codes: which of its answers counts, chosen on the validation part."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from icdcoder.core.errors import ConfigError
from icdcoder.core.progress import SILENT, Progress
from icdcoder.decide.threshold import choose
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepared import Prepared
from icdcoder.models import generative_coder
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.predictors.generation.answering import Answers
from icdcoder.predictors.generation.rule import BLEND, Rule
from icdcoder.predictors.generative import asked

Scores = npt.NDArray[np.float32]


def answered(
    experiment: Experiment,
    prepared: Prepared,
    model: nn.Module,
    notes: TokenisedNotes,
    batch_size: int,
    progress: Progress = SILENT,
) -> tuple[Scores, dict[str, Any]]:
    """(probabilities "note code" of what counts, what the coder's card says of its answers).

    Raises ConfigError where the answer that is asked for is one that the model does not give.
    """
    config, asks = experiment.model, experiment.decide
    assert isinstance(config, generative_coder.Config)
    asking = asked(model, prepared.reader, prepared.space, config, asks.decoding, batch_size)
    answers = asking.answers(notes, progress)
    gold = prepared.gold(prepared.split("validation"))
    found = {way: choose(gold, scores, metric=asks.metric) for way, scores in answers.by_way.items()}
    rule = _rule(asks.answer, answers, gold, {way: threshold.score or 0.0 for way, threshold in found.items()})
    told = {
        "decoding": asks.decoding,
        "rule": rule.to_json(),
        "thresholds": {way: threshold.value for way, threshold in found.items()},
        "validation": {way: {threshold.metric: threshold.score} for way, threshold in found.items()},
        "validation_counts": answers.counts,
    }
    return rule(answers), {"predictor": "generative", "answers": told}


def _rule(answer: str, answers: Answers, gold: npt.NDArray[np.bool_], scores: dict[str, float]) -> Rule:
    if answer == BLEND and len(scores) > 1:
        return Rule.blended(answers, gold)
    if answer in scores:
        return Rule(answer)
    if answer == "chosen":
        return Rule(max(scores, key=scores.__getitem__))
    raise ConfigError(
        f"decide.answer is {answer!r}, and this model was trained for {' and '.join(scores)} alone "
        "(model.generation_weight, model.attention_weight)."
    )
