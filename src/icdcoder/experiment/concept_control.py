"""Is a coder over concepts worth nothing where its head has learnt from permuted labels? It ought to be.

The head is fitted anew on the scores of the training notes, with the labels of each dealt to another, and measured on
the test notes. It can know how frequent codes are, and no more; what it reaches beyond that did not come from labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from icdcoder.core.concept import ConceptCoder
from icdcoder.decide.threshold import choose
from icdcoder.experiment.concept_scoring import Scores
from icdcoder.experiment.concept_training import TRAINING_SCORES
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepared import Prepared
from icdcoder.measure.coding import set_measures
from icdcoder.nn.concept_head import build_head, fit_head
from icdcoder.predictors import concept
from icdcoder.predictors.concept_heads.network import head_probabilities

# Chance varies; so much more than it is no chance.
MARGIN = 0.1


@dataclass(frozen=True, slots=True)
class Control:
    measures: Mapping[str, float]
    warnings: tuple[str, ...] = ()


def control(experiment: Experiment, prepared: Prepared, predictor: ConceptCoder, scores: Scores) -> Control:
    """scores: "note concept" of the test notes. Without measures where the run's training scores are gone, or codes do
    not follow from concepts. A language model is stood in for by a linear head."""
    config, path = experiment.model, experiment.run / TRAINING_SCORES
    if not isinstance(config, concept.Config) or config.inputs == "note" or not path.exists():
        return Control({})
    with np.load(path) as saved:
        training = saved["scores"].astype(np.float32)
    gold = prepared.gold(prepared.split("train"))
    seen = np.asarray(gold.any(axis=0))
    gold = gold[:, seen]
    dealt = gold[np.random.default_rng(experiment.seed).permutation(len(gold))]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(experiment.seed)
        head = build_head(
            "linear" if config.head == "language_model" else config.head,
            torch.from_numpy(predictor.membership[seen]),
            torch.tensor(predictor.concept_layers),
            hidden=config.hidden,
            own_only=config.own_only,
        )
        fit_head(
            head,
            torch.from_numpy(training),
            torch.from_numpy(dealt).float(),
            steps=config.steps,
            learning_rate=config.learning_rate,
            decay=config.decay,
        )
    truth = prepared.gold(prepared.split("test"))[:, seen]
    # By the true labels, or a head that knew more than the permuted ones would not be let show it.
    threshold = choose(gold, head_probabilities(head.eval(), training), split="train").value
    reached = set_measures(truth, head_probabilities(head, scores) > threshold)["micro_f1"]
    frequent = np.broadcast_to(gold.mean(0, dtype=np.float32), gold.shape)
    accepted = frequent[0] > choose(gold, frequent, split="train").value
    chance = set_measures(truth, np.broadcast_to(accepted, truth.shape))["micro_f1"]
    measures = {"concepts_control_f1": reached, "concepts_control_chance_f1": chance}
    if reached <= chance + MARGIN:
        return Control(measures)
    warning = (
        f"A head trained on permuted labels has micro-F1 {reached:.3f} on the test notes, the codes' frequencies alone "
        f"have {chance:.3f}: it decides by more than it can have learnt from labels."
    )
    return Control(measures, (warning,))
