"""Measure any coder, of whatever origin, on the test part: the built-in one, a prompted one, one trained elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from icdcoder.coder import Coder
from icdcoder.core.answering import FaultCountingCoder
from icdcoder.core.concept import ConceptCoder
from icdcoder.core.document import Document
from icdcoder.core.prediction import Prediction
from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.evaluating import concept_scores
from icdcoder.experiment.prepare import require_prepared
from icdcoder.experiment.prepared import Prepared
from icdcoder.measure import concept_leak
from icdcoder.measure.comparable import refuse_mixed_labels
from icdcoder.measure.open_set import measures_of_predictions

# More than any coder lists.
ALL_CANDIDATES = 10_000
UNANSWERED = "{} of {} notes were not answered and are measured as notes without codes."


def measure_coder(
    experiment: Experiment, coder: Coder, *, progress: Progress = SILENT
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Any coder (the built-in one too) on the test part, against all its gold codes, whatever the label space: its
    measures, and warnings where it decides over concepts whose scores look copied, or did not answer.

    All candidates count in the ranking, the coder's own accepted codes in precision, recall and F1. Where the corpus
    has gold evidence, the plausibility of the coder's evidence stands beside them; and what went wrong in answers,
    since prose and silence look like a coder that finds nothing.
    """
    prepared = require_prepared(experiment)
    _refuse_other_labels(prepared, coder)
    test = [prepared.documents[i] for i in prepared.split("test")]
    notes = [document.joined() for document in test]
    predictions = []
    with progress.track("Coding test notes", len(test)) as step:
        for prediction in coder.code_all(notes, top=ALL_CANDIDATES):
            predictions.append(prediction)
            step()
    measures = measures_of_predictions([set(document.codes) for document in test], predictions)
    if isinstance(coder.predictor, FaultCountingCoder):
        measures |= {name: float(count) for name, count in coder.predictor.faults.items()}
    measures |= _evidence_of(predictions, test)
    predictor = coder.predictor
    if not isinstance(predictor, ConceptCoder):
        unanswered = sum(prediction.not_coded is not None for prediction in predictions)
        return measures, (UNANSWERED.format(unanswered, len(notes)),) if unanswered else ()
    gold = np.array([[code in own for code in predictor.space.codes] for own in map(set, (d.codes for d in test))])
    leaks = concept_leak.check(gold, concept_scores(predictor, notes), predictor.membership)
    return {**measures, **leaks.measures}, leaks.warnings


def _refuse_other_labels(prepared: Prepared, coder: Coder) -> None:
    """Raises ConfigError where the coder was trained on codes that another loader read from the same data set."""
    refuse_mixed_labels([(coder.card or {}).get("trained_on", {}), prepared.card["corpus"]])


def _evidence_of(predictions: Sequence[Prediction], test: Sequence[Document]) -> dict[str, float]:
    """Plausibility of evidence that predictions hold already, where the corpus has gold spans."""
    from icdcoder.measure.plausibility import plausibility

    pairs = zip(predictions, test, strict=True)
    marked = [
        (prediction, document.joined_evidence()) for prediction, document in pairs if document.evidence is not None
    ]
    return plausibility(marked) if marked else {}
