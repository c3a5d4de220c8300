"""Evaluate: the coder that was packed, on the test part, into a report that a person can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.coder import Coder
from icdcoder.core.answering import Answered, AnsweringCoder
from icdcoder.core.cache import atomic_folder
from icdcoder.core.concept import ConceptCoder
from icdcoder.core.errors import ArtefactError
from icdcoder.core.note import Note
from icdcoder.core.prediction import ScoringPredictor
from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment.answers_report import accepted_by_way, answers_measured
from icdcoder.experiment.cautions import read_beforehand
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import require_prepared
from icdcoder.experiment.prepared import Prepared
from icdcoder.measure import concept_leak
from icdcoder.measure.report import Report

NOTES_AT_ONCE = 64
# Gold evidence is compared on at most so many notes, as attention is computed note by note; occlusion scores a note
# a hundred times.
EXPLAINED_NOTES = {"attention": 200}
EXPLAINED_SLOWLY = 10


def evaluate(experiment: Experiment, *, progress: Progress = SILENT) -> Report:
    """Measures `experiment.coder` on the test part and writes `experiment.report`; where an oracle reads the notes,
    what it would come to."""
    prepared = require_prepared(experiment)
    if experiment.oracle:
        from icdcoder.experiment import oracle

        return oracle.measured(experiment, prepared, progress)
    coder = Coder.load(experiment.coder)
    predictor = coder.predictor
    if not isinstance(predictor, ScoringPredictor):
        raise ArtefactError(f"{experiment.coder} gives no probabilities and cannot be measured on a label space.")
    if predictor.space != prepared.space:
        raise ArtefactError(
            f"{experiment.coder} predicts {len(predictor.space)} codes ({predictor.space.digest[:12]}), the prepared "
            f"corpus holds {len(prepared.space)} ({prepared.space.digest[:12]}); decide again."
        )
    test = prepared.split("test")
    parts: list[Answered] = []
    on: list[npt.NDArray[np.float32]] = []
    with progress.track("Scoring test notes", len(test)) as step:
        for start in range(0, len(test), NOTES_AT_ONCE):
            part = [prepared.documents[i].joined() for i in test[start : start + NOTES_AT_ONCE]]
            if isinstance(predictor, AnsweringCoder):
                parts.append(predictor.answered(part))
            elif isinstance(predictor, ConceptCoder):
                on.append(predictor.concept_scores(part))
                parts.append(Answered(predictor.code_probabilities(on[-1], part)))
            else:
                parts.append(Answered(predictor.probabilities(part)))
            step(len(part))
    scores = np.concatenate([part.probabilities for part in parts])
    card = coder.card or {}
    report = report_of(experiment, prepared, card, scores, _evidence(coder, prepared, test, progress))
    accepted: dict[str, Any] = {}
    if isinstance(predictor, AnsweringCoder):
        accepted = accepted_by_way(parts, predictor.thresholds)
        report = answers_measured(report, parts, prepared.gold(test), predictor.thresholds)
    if isinstance(predictor, ConceptCoder):
        known = card.get("concept_warnings", ())
        report = _leaks_checked(report, predictor, experiment, prepared, np.concatenate(on), known)
    save(experiment, prepared, report, scores, accepted)
    return report


def report_of(
    experiment: Experiment,
    prepared: Prepared,
    card: dict[str, Any],
    scores: np.ndarray,
    evidence: Mapping[str, float] | None = None,
) -> Report:
    """scores: "note code" of the test notes. card: of a coder, or as much of it as a report needs."""
    test = prepared.split("test")
    report = Report.of(
        gold=prepared.gold(test),
        probabilities=scores,
        threshold=card["threshold"]["value"],
        space=prepared.space,
        training_counts=training_counts(prepared),
        training_notes=len(prepared.split("train")),
        descriptions=card.get("descriptions", {}),
        about=_about(experiment, prepared, card),
        outside=_outside(experiment, prepared, test),
        evidence=evidence,
        patients=[prepared.patients[i] for i in test],
    )
    known = read_beforehand(experiment.tables("text", "words"))
    return _with_weights(replace(report, warnings=(*known, *report.warnings)), card)


def save(
    experiment: Experiment, prepared: Prepared, report: Report, scores: np.ndarray, accepted: Mapping[str, Any]
) -> None:
    """Writes `experiment.report`, with the scores it was measured on. accepted: see `accepted_by_way`."""
    gold = prepared.gold(prepared.split("test"))
    with atomic_folder(experiment.report, replace=True) as work:
        report.save(work)
        np.savez_compressed(work / "scores.npz", scores=scores.astype(np.float32), gold=gold, **dict(accepted))


def _with_weights(report: Report, card: dict[str, Any]) -> Report:
    """The report with how many weights the coder has, and the share of them that was trained."""
    if "weights" not in card:
        return report
    trained, every = card["weights"]["trained"], card["weights"]["all"]
    counted = {"weights": float(every), "trainable_weights": float(trained), "trainable_share": trained / max(1, every)}
    return replace(report, metrics={**report.metrics, **counted})


def _leaks_checked(
    report: Report,
    predictor: ConceptCoder,
    experiment: Experiment,
    prepared: Prepared,
    scores: npt.NDArray[np.float32],
    known: Sequence[str],
) -> Report:
    """The report with what the concept scores of the test notes ("note concept") say of themselves; a suspicion is its
    first warning. known: warnings of the coder's card."""
    from icdcoder.experiment.concept_control import control

    found = concept_leak.check(prepared.gold(prepared.split("test")), scores, predictor.membership)
    dealt = control(experiment, prepared, predictor, scores)
    return replace(
        report,
        metrics={**report.metrics, **found.measures, **dealt.measures},
        warnings=(*found.warnings, *dealt.warnings, *known, *report.warnings),
        concepts_on=found.distribution,
    )


def concept_scores(predictor: ConceptCoder, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
    """Matrix "note concept", scored a few notes at a time."""
    starts = range(0, len(notes), NOTES_AT_ONCE)
    return np.concatenate([predictor.concept_scores(notes[start : start + NOTES_AT_ONCE]) for start in starts])


def training_counts(prepared: Prepared) -> np.ndarray:
    """Training documents of each code, in the order of the space."""
    return prepared.counts(prepared.split("train"))


def _about(experiment: Experiment, prepared: Prepared, card: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": experiment.name,
        "corpus": prepared.card["corpus"],
        "counts": prepared.card["counts"],
        "model": experiment.tables("model")["model"],
        "seed": experiment.seed,
        "split": "test",
        "threshold": card["threshold"],
        "label space": prepared.space.digest,
    }


def _outside(experiment: Experiment, prepared: Prepared, test: list[int]) -> int:
    """Gold codes of the test part that the label space does not hold: misses that no threshold can mend.

    Zero where the experiment asks for the most frequent or for the rare codes only, since the others are
    then not its task.
    """
    if experiment.labels.top is not None or experiment.labels.max_notes is not None:
        return 0
    return int(prepared.documents.code_counts()[test].sum()) - sum(len(prepared.codes[i]) for i in test)


def _evidence(coder: Coder, prepared: Prepared, test: list[int], progress: Progress) -> dict[str, float]:
    """Plausibility of the coder's evidence against gold spans, where the corpus has them."""
    from icdcoder.measure.plausibility import plausibility

    if coder.explainer is None:
        return {}
    marked = prepared.documents.annotated()
    annotated = [i for i in test if marked[i]]
    annotated = annotated[: EXPLAINED_NOTES.get(coder.explainer, EXPLAINED_SLOWLY)]
    if not annotated:
        return {}
    pairs = []
    with progress.track("Explaining test notes", len(annotated)) as step:
        for i in annotated:
            document = prepared.documents[i]
            prediction = coder.code(document.joined(), top=0)
            pairs.append((prediction, document.joined_evidence()))
            step()
    return plausibility(pairs)
