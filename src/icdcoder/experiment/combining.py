"""Combine: a ranker fitted on the training part and a coder trained on it, weighed on the validation part."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from icdcoder.coder import CARD, Coder
from icdcoder.core.artefact import manifest, save_card
from icdcoder.core.cache import atomic_folder
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.core.prediction import CoderName, ScoringPredictor
from icdcoder.core.progress import SILENT, Progress
from icdcoder.core.version import VERSION
from icdcoder.decide.threshold import Threshold, choose, fixed
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.ranking import card_of, fit, matrices, read_corpus, split
from icdcoder.predictors import lexicon, ranked
from icdcoder.predictors.combined import both
from icdcoder.predictors.ranked import RankedPredictor
from icdcoder.predictors.ranking.stack import Stack


def combine(
    experiment: Experiment,
    config: ranked.Config,
    trained: Path,
    folder: Path,
    *,
    fresh: bool = False,
    progress: Progress = SILENT,
) -> Threshold:
    """trained: the folder of a coder that was trained with the same configuration, so that neither it nor the ranker
    has seen the validation notes. Writes the coder folder, and returns its threshold. Raises ArtefactError where the
    coder gives no probabilities, ConfigError where its codes are of another system."""
    coder = Coder.load(trained)
    other = coder.predictor
    if not isinstance(other, ScoringPredictor) or coder.card is None:
        raise ArtefactError(f"{trained} gives no probabilities of a label space, and cannot be combined.")
    systems = lexicon.PARTS[config.dictionary.system]
    if not set(other.space.systems) & set(systems):
        raise ConfigError(f"{trained} predicts {', '.join(other.space.systems)}, the dictionary {', '.join(systems)}.")
    corpus = read_corpus(experiment, config)
    training, validation = split(corpus, "train"), split(corpus, "validation")
    dictionary = lexicon.build(config.dictionary)
    fitted = fit(training, config, dictionary, experiment.seed, progress)
    own = RankedPredictor(CoderName(experiment.name, VERSION), dictionary, fitted.ranker, 0.5)
    notes = [document.joined() for document in validation]
    weighed = [
        both(own.ranked(note), row.astype(np.float64), other)
        for note, row in zip(notes, other.probabilities(notes), strict=True)
    ]
    gold = [set(document.codes) for document in validation]
    right = np.array([code in truth for truth, (codes, _, _) in zip(gold, weighed, strict=True) for code in codes])
    ours, theirs = (np.concatenate(parts) for parts in ([one[1] for one in weighed], [one[2] for one in weighed]))
    stack = Stack.fit(ours, theirs, right)
    probabilities = [stack.probabilities(ours, theirs) for _, ours, theirs in weighed]
    threshold = choose(
        *matrices(gold, [codes for codes, _, _ in weighed], probabilities),
        metric=experiment.decide.metric,
        split="validation",
    )
    with atomic_folder(folder, replace=fresh) as work:
        ranked.save(work, fitted.ranker)
        for name in coder.card["files"]:
            shutil.copyfile(trained / name, work / name)
        card = card_of(experiment, config, dictionary, corpus, len(training), threshold)
        part = {**card, "predictor": "ranked", "threshold": fixed(0.5).to_json()}
        files = manifest(work, [*ranked.FILES, *coder.card["files"]])
        parts = {"ranked": part, "trained": coder.card}
        whole = {"predictor": "combined", "model": {"kind": "combined"}, "stack": stack.weights, "parts": parts}
        save_card(work / CARD, {**card, **whole, "files": files})
    return threshold
