"""Train and decide for coders over concepts: the head learns from scores of notes that their scorer has not seen.

A scorer that was fitted on a note, and perhaps on its codes, scores that note better than any note to come; a head
trained on such scores trusts them too much, and where the codes leak into them, measures its own labels. So the
training patients are cut into folds, each scored by a scorer fitted on the others. Validation and test notes are scored
by a scorer fitted on all training notes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import compress
from typing import Any

import numpy as np
import torch

from icdcoder.coder import CARD, FORMAT
from icdcoder.core.artefact import manifest, save_card
from icdcoder.core.cache import atomic_folder, write_atomic
from icdcoder.core.document import Document
from icdcoder.core.errors import ArtefactError, InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.prediction import CoderName
from icdcoder.core.progress import SILENT, Progress
from icdcoder.core.version import VERSION
from icdcoder.decide.threshold import Threshold, decided
from icdcoder.experiment.concept_scoring import Scores, out_of_fold, scored, second_probabilities
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.described import described
from icdcoder.experiment.fine_tuning import FineTunings
from icdcoder.experiment.prepared import Prepared
from icdcoder.knowledge import concept_files, concepts
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.measure.coding import validation_measures
from icdcoder.nn.concept_head import fit_head
from icdcoder.predictors import concept, concept_stages
from icdcoder.predictors.concept_heads import language_model, network
from icdcoder.predictors.concept_scorers import fitted, hierarchical
from icdcoder.predictors.label_networks.network import LabelNetwork, fit_network
from icdcoder.text.sample import Sampler
from icdcoder.train.loop import TrainingResult

KIND = "concept"
RESULT, TRAINING_SCORES, COST = "result.json", "concept_scores.npz", "concepts_scored.json"
MONITOR = "micro_f1_at_best_threshold"


def train(experiment: Experiment, prepared: Prepared, progress: Progress = SILENT) -> TrainingResult:
    """Fits scorer and head into `experiment.run`, or returns what an earlier run with these settings came to. Where a
    language model is fine-tuned, a run that was stopped is gone on with.

    Beside them the out-of-fold scores of the training notes are kept (concept_scores.npz: no text).
    """
    config = _config(experiment)
    done = experiment.run / RESULT
    if done.exists():
        return TrainingResult(**json.loads(done.read_text(encoding="utf-8")))
    began = time.perf_counter(), time.process_time()
    known = concepts_of(config, prepared)
    training = prepared.split("train")
    tunings = FineTunings(experiment.run, experiment.seed, progress)
    fit = _fitter(config, known, experiment.seed, tunings, prepared.sampler)
    scorer = fit([prepared.documents[i] for i in training], "concepts")
    if config.in_fold:
        scores = scored(scorer, prepared, training, progress)
    else:
        scores = out_of_fold(fit, prepared, training, config.folds, experiment.seed, progress, tunings.remembered)
    second, ended = _second_stage(experiment, prepared, known, scores, tunings, progress)
    taken = time.perf_counter() - began[0], time.process_time() - began[1]
    concept_stages.save_stages(experiment.run, known, scorer, second)
    np.savez_compressed(experiment.run / TRAINING_SCORES, scores=scores.astype(np.float16))
    validation = prepared.split("validation")
    held_out = second_probabilities(
        second, prepared, validation, scored(scorer, prepared, validation, progress), progress
    )
    best = validation_measures(prepared.gold(validation), held_out)[MONITOR]
    cost = {
        "concepts": len(known),
        **_scored_a_note(scorer, prepared, validation, len(known)),
        **({"codes_asked": len(prepared.space)} if config.head == "language_model" else {}),
        "training_seconds": taken[0],
        "processor_seconds": taken[1],
    }
    write_atomic(experiment.run / COST, json.dumps(cost))
    result = TrainingResult(config.steps, best, MONITOR, config.steps, config.steps, ended)
    write_atomic(done, json.dumps(asdict(result)))
    tunings.forget()
    return result


def _second_stage(
    experiment: Experiment,
    prepared: Prepared,
    known: ConceptSet,
    scores: Scores,
    tunings: FineTunings,
    progress: Progress,
) -> tuple[concept_stages.SecondStage, str]:
    """Fitted on the training notes, and a sentence on how that ended. scores: out of fold."""
    config = _config(experiment)
    training = prepared.split("train")
    gold = prepared.gold(training)
    if config.head == "language_model":
        notes = [prepared.documents[i].joined() for i in training]
        asked = language_model.questionnaire(known, prepared.space)
        with tunings.course("codes", [prepared.documents[i] for i in training]) as course:
            stage = language_model.fit(
                config.asking, asked, notes, scores, gold, experiment.seed, course, prepared.sampler
            )
        return stage, f"The language model has answered for the codes of {len(training)} notes"
    own, own_scores = None, None
    if config.inputs != "concepts":
        fit = _own_fitter(config, prepared, experiment.seed)
        own = fit([prepared.documents[i] for i in training], "notes")
        own_scores = torch.from_numpy(
            scored(own, prepared, training, progress)
            if config.in_fold
            else out_of_fold(fit, prepared, training, config.folds, experiment.seed, progress)
        )
    seen = np.asarray(gold.any(axis=0))  # others are there where labels.also asks for them
    torch.manual_seed(experiment.seed)
    head = concept_stages.new_head(config, known, LabelSpace(compress(prepared.space.codes, seen)))
    losses = fit_head(
        head,
        torch.from_numpy(scores),
        torch.from_numpy(gold[:, seen]).float(),
        None if own_scores is None else own_scores[:, torch.from_numpy(seen)],
        steps=config.steps,
        learning_rate=config.learning_rate,
        decay=config.decay,
    )
    if not seen.all():
        narrow, head = head, concept_stages.new_head(config, known, prepared.space)
        head.widen(narrow, torch.from_numpy(seen))
    ended = f"All {config.steps} steps are done, the loss fell from {losses[0]:.4g} to {losses[-1]:.4g}"
    return network.NetworkStage(head.eval(), own), ended


def decide(experiment: Experiment, prepared: Prepared, progress: Progress = SILENT) -> Threshold:
    """Chooses the threshold on the validation part and writes `experiment.coder`."""
    if not (experiment.run / RESULT).exists():
        raise ArtefactError(f"{experiment.run} has no trained weights yet; make them with: icdcoder train CONFIG")
    known, scorer, second = concept_stages.load_stages(
        experiment.run, _config(experiment), prepared.space, prepared.sampler
    )
    validation = prepared.split("validation")
    scores = scored(scorer, prepared, validation, progress)
    probabilities = second_probabilities(second, prepared, validation, scores, progress)
    asked = experiment.decide
    threshold = decided(prepared.gold(validation), probabilities, metric=asked.metric, given=asked.threshold)
    descriptions, edition = described(prepared.space)
    name = CoderName(experiment.name, VERSION)
    predictor = concept.ConceptPredictor(
        name, known, scorer, second, prepared.space, threshold.value, {}, edition, prepared.sampler
    )
    card: dict[str, Any] = {
        "format": FORMAT,
        "name": experiment.name,
        "version": VERSION,
        "predictor": KIND,
        "model": concept.portable(experiment.tables("model")["model"]),
        "text": {"sampler": experiment.text.sampler},
        "threshold": threshold.to_json(),
        "systems": list(prepared.space.systems),
        "edition": edition,
        "trained_on": {**prepared.card["corpus"], **prepared.card["counts"]},
        "seed": experiment.seed,
        "descriptions": descriptions,
        "concept_warnings": concepts.fallback_sentences(known.membership(prepared.space.codes)[1]),
    }
    with atomic_folder(experiment.coder, replace=True) as work:
        names = predictor.save(work)
        save_card(work / CARD, {**card, "files": manifest(work, names)})
    return threshold


def concepts_of(config: concept.Config, prepared: Prepared) -> ConceptSet:
    """From the file that the settings name, or built for the codes of the label space. Raises InputError where none
    of the concepts bears on any of the codes."""
    codes = prepared.space.codes
    if config.concepts is None:
        counts = {"general": config.general, "specific": config.specific}
        more = {"expressions": config.expressions, "above": config.levels}
        return concepts.build(codes, **counts, index=config.index, **more)
    known = concept_files.read(config.concepts, set(codes))
    if not known.membership(codes)[0].any():
        raise InputError(f"No concept of {config.concepts} bears on any of the {len(codes)} codes of the corpus.")
    return known


def _scored_a_note(
    scorer: concept_stages.ConceptScorer, prepared: Prepared, indices: Sequence[int], concepts: int
) -> dict[str, float]:
    """How many concepts are scored a note, and at most."""
    if not isinstance(scorer, hierarchical.HierarchicalScorer):
        return {"scored_a_note": concepts, "most": concepts}
    asked = [len(scorer.active([prepared.documents[i].joined()])[0]) for i in indices]
    return {"scored_a_note": float(np.mean(asked)), "most": max(asked)}


def _fitter(
    config: concept.Config, known: ConceptSet, seed: int, tunings: FineTunings, sampler: Sampler
) -> Callable[[Sequence[Document], str], concept_stages.ConceptScorer]:
    module, settings = concept_stages.scorer_of(config.scorer)

    def fit(documents: Sequence[Document], name: str) -> concept_stages.ConceptScorer:
        with tunings.course(name, documents) as course:
            return fitted(module, settings, known, documents, seed, course, sampler)

    return fit


def _own_fitter(
    config: concept.Config, prepared: Prepared, seed: int
) -> Callable[[Sequence[Document], str], LabelNetwork]:
    """Fits the network that codes a note without concepts."""
    columns = {code: i for i, code in enumerate(prepared.space.codes)}

    def fit(documents: Sequence[Document], name: str) -> LabelNetwork:
        gold = np.zeros((len(documents), len(columns)), dtype=np.float32)
        for row, document in enumerate(documents):
            gold[row, [columns[code] for code in document.codes if code in columns]] = 1.0
        return fit_network(config.note, [document.joined() for document in documents], gold, seed, prepared.sampler)

    return fit


def _config(experiment: Experiment) -> concept.Config:
    assert isinstance(experiment.model, concept.Config)
    return experiment.model
