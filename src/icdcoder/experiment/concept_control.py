"""Is a coder over concepts worth nothing where its head has learnt from permuted labels? It ought to be.

The head is fitted anew on the scores of the training notes, with the labels of each dealt to another, and measured on
the test notes. It can know how frequent codes are, and no more; what it reaches beyond that did not come from labels.
One deal can fall out well for the weights that all codes share, hardly above zero as they are then; so labels are dealt
again, and what is no better than chance in one deal is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from icdcoder.core.concept import ConceptCoder
from icdcoder.decide.threshold import choose
from icdcoder.experiment.concept_scoring import Scores
from icdcoder.experiment.concept_training import TRAINING_SCORES
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepared import Prepared
from icdcoder.measure.coding import set_measures
from icdcoder.nn.concept_head import Head, build_head, fit_head
from icdcoder.predictors import concept
from icdcoder.predictors.concept_heads.network import head_probabilities

# Chance varies; so much more than it is no chance.
MARGIN = 0.1
DEALS = 5


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
    truth = prepared.gold(prepared.split("test"))[:, seen]
    frequent = np.broadcast_to(gold.mean(0, dtype=np.float32), gold.shape)
    accepted = frequent[0] > choose(gold, frequent, split="train").value
    chance = set_measures(truth, np.broadcast_to(accepted, truth.shape))["micro_f1"]
    reached = 1.0
    for deal in range(DEALS):
        dealt = gold[np.random.default_rng(experiment.seed + deal).permutation(len(gold))]
        head = _fitted(config, predictor, seen, training, dealt, experiment.seed)
        # By the true labels, or a head that knew more than the permuted ones would not be let show it.
        threshold = choose(gold, head_probabilities(head, training), split="train").value
        reached = min(reached, set_measures(truth, head_probabilities(head, scores) > threshold)["micro_f1"])
        if reached <= chance + MARGIN:
            break
    measures = {"concepts_control_f1": reached, "concepts_control_chance_f1": chance}
    if reached <= chance + MARGIN:
        return Control(measures)
    warning = (
        f"Heads trained on permuted labels have micro-F1 {reached:.3f} or more on the test notes, the codes' "
        f"frequencies alone have {chance:.3f}: the head decides by more than it can have learnt from labels."
    )
    return Control(measures, (warning,))


def _fitted(
    config: concept.Config,
    predictor: ConceptCoder,
    seen: npt.NDArray[np.bool_],
    scores: Scores,
    gold: npt.NDArray[np.bool_],
    seed: int,
) -> Head:
    """A head over the seen codes alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = build_head(
            "linear" if config.head == "language_model" else config.head,
            torch.from_numpy(predictor.membership[seen]),
            torch.tensor(predictor.concept_layers),
            hidden=config.hidden,
            own_only=config.own_only,
        )
        fit_head(
            head,
            torch.from_numpy(scores),
            torch.from_numpy(gold).float(),
            steps=config.steps,
            learning_rate=config.learning_rate,
            decay=config.decay,
        )
    return head.eval()
