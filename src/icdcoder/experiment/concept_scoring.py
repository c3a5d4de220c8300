"""Scores of concepts and of codes for the notes of a prepared corpus, in turn or out of fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from icdcoder.core.document import Document
from icdcoder.core.errors import InputError
from icdcoder.core.note import Note
from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment.prepared import Prepared
from icdcoder.predictors import concept_stages

Scores = npt.NDArray[np.float32]
NOTES_AT_ONCE = 64


def out_of_fold(
    fit: Callable[[Sequence[Document], str], NoteScorer],
    prepared: Prepared,
    training: Sequence[int],
    folds: int,
    seed: int,
    progress: Progress = SILENT,
    remembered: Callable[[str, Callable[[], Scores]], Scores] = lambda _, compute: compute(),
) -> Scores:
    """Matrix "note concept" of the training notes, each scored by a scorer fitted without any note of its patient.

    fit: of documents and a name. remembered: the scores under a name, or what it computes. Raises InputError where
    there are fewer patients than folds.
    """
    fold_of = _folds([prepared.patients[i] for i in training], folds, seed)
    rows: dict[int, Scores] = {}
    for fold in range(folds):
        others = [prepared.documents[i] for i, own in zip(training, fold_of, strict=True) if own != fold]
        held_out = [i for i, own in zip(training, fold_of, strict=True) if own == fold]
        name = f"fold_{fold + 1}_of_{folds}"

        def of_fold(others: list[Document] = others, held_out: list[int] = held_out, name: str = name) -> Scores:
            return scored(fit(others, name), prepared, held_out, progress)

        rows.update(zip(held_out, remembered(name, of_fold), strict=True))
    return np.stack([rows[i] for i in training])


class NoteScorer(Protocol):
    """A scorer of concepts, or a network that reads notes without concepts."""

    def scores(self, notes: Sequence[Note]) -> Scores:
        """Matrix "note concept", or "note code"."""
        ...


def scored(scorer: NoteScorer, prepared: Prepared, indices: Sequence[int], progress: Progress = SILENT) -> Scores:
    parts = []
    with progress.track("Scoring concepts", len(indices)) as step:
        for start in range(0, len(indices), NOTES_AT_ONCE):
            part = indices[start : start + NOTES_AT_ONCE]
            parts.append(scorer.scores([prepared.documents[i].joined() for i in part]))
            step(len(part))
    return np.concatenate(parts)


def second_probabilities(
    second: concept_stages.SecondStage,
    prepared: Prepared,
    indices: Sequence[int],
    scores: Scores,
    progress: Progress = SILENT,
) -> Scores:
    """Matrix "note code" of the notes whose concepts have these scores."""
    parts = []
    with progress.track("Deciding codes", len(indices)) as step:
        for start in range(0, len(indices), NOTES_AT_ONCE):
            part = indices[start : start + NOTES_AT_ONCE]
            notes = [prepared.documents[i].joined() for i in part]
            parts.append(second.probabilities(scores[start : start + len(part)], notes))
            step(len(part))
    return np.concatenate(parts)


def _folds(patients: Sequence[str], folds: int, seed: int) -> list[int]:
    different = sorted(set(patients))
    if len(different) < folds:
        raise InputError(f"{len(different)} training patients cannot be cut into {folds} folds; set model.folds.")
    order = np.random.default_rng(seed).permutation(len(different))
    fold_of = {different[i]: place % folds for place, i in enumerate(order.tolist())}
    return [fold_of[patient] for patient in patients]
