"""What a model would reach if notes could be read by their gold codes: an upper bound for samplers, and no coder.

Validation and test notes are scored as they were prepared, since nothing else can be read so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from icdcoder.core.answering import Answered
from icdcoder.core.progress import SILENT, Progress
from icdcoder.decide.threshold import choose
from icdcoder.experiment.answers_report import accepted_by_way, answers_measured
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.deciding import WRITERS, validation_scores
from icdcoder.experiment.described import described
from icdcoder.experiment.evaluating import report_of, save
from icdcoder.experiment.prepared import Prepared
from icdcoder.experiment.training import scoring_batch, tokenised, trained_model
from icdcoder.measure.report import Report
from icdcoder.nn.contract import channels_of
from icdcoder.nn.pretrained.token_encoder import weights
from icdcoder.nn.scoring import probabilities

WARNING = "Oracle: each note was read where its own gold codes are worded. This is an upper bound, and no coder."


def measured(experiment: Experiment, prepared: Prepared, progress: Progress = SILENT) -> Report:
    """Chooses the threshold on the validation part, measures the test part and writes `experiment.report`."""
    model = trained_model(experiment, prepared)
    channels = channels_of(model)
    found, told = validation_scores(experiment, prepared, model, tokenised(prepared, "validation", channels), progress)
    gold = prepared.gold(prepared.split("validation"))
    threshold = choose(gold, found, metric=experiment.decide.metric, split="validation")
    answered = _answered(experiment, prepared, model, told, progress)
    card = {"threshold": threshold.to_json(), "weights": weights(model), "descriptions": described(prepared.space)[0]}
    report = report_of(experiment, prepared, card, answered.probabilities)
    accepted = {}
    if answered.by_way:
        thresholds = told["answers"]["thresholds"]
        report = answers_measured(report, [answered], prepared.gold(prepared.split("test")), thresholds)
        accepted = accepted_by_way([answered], thresholds)
    about = {**report.about, "name": f"{experiment.name} (oracle, upper bound)", "sampler": "oracle"}
    report = replace(report, about=about, warnings=(WARNING, *report.warnings))
    save(experiment, prepared, report, answered.probabilities, accepted)
    return report


def _answered(
    experiment: Experiment, prepared: Prepared, model: Any, told: dict[str, Any], progress: Progress
) -> Answered:
    """Of the test notes. told: what was found on the validation part of a model that writes codes."""
    test = tokenised(prepared, "test", channels_of(model))
    if experiment.model_kind not in WRITERS:
        return Answered(probabilities(model, test, batch_size=scoring_batch(experiment), progress=progress))
    from icdcoder.models import generative_coder
    from icdcoder.predictors.generation.rule import Rule
    from icdcoder.predictors.generative import asked

    config = experiment.model
    assert isinstance(config, generative_coder.Config)
    decoding = experiment.decide.decoding
    asking = asked(model, prepared.reader, prepared.space, config, decoding, scoring_batch(experiment))
    answers = asking.answers(test, progress)
    return Answered(Rule.from_json(told["answers"]["rule"])(answers), answers.by_way, answers.counts)
