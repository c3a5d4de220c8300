"""What the second stage of a coder over concepts is trained on, and where its threshold is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from icdcoder.coder import Coder
from icdcoder.core.concept import ConceptCoder
from icdcoder.core.config import Settings
from icdcoder.core.document import Document
from icdcoder.core.note import Note
from icdcoder.experiment import concept_training
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.deciding import decide
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.training import train_model
from icdcoder.predictors import concept_stages

SEEN, UNSEEN = 0.75, 0.25


def experiment(folder: Path, **model: object) -> Experiment:
    return Experiment.resolve(
        {
            "name": "small",
            "runs": str(folder),
            "corpus": {"kind": "synthetic", "documents": 60, "codes": 6},
            "model": {"kind": "concept", "folds": 3, "steps": 20, **model},
        }
    )


class Telling:
    """Gives every column of a note SEEN where it was fitted on a note of the same patient, else UNSEEN."""

    def __init__(self, documents: Sequence[Document], patient_of: dict[str, str], width: int) -> None:
        self.known = {document.patient for document in documents}
        self.patient_of, self.width = patient_of, width

    def scores(self, notes: Sequence[Note]) -> npt.NDArray[np.float32]:
        told = [SEEN if self.patient_of[note.id] in self.known else UNSEEN for note in notes]
        return np.repeat(np.array(told, dtype=np.float32)[:, None], self.width, axis=1)


class _StoppedError(Exception): ...


def given_to_the_head(asked: Experiment, monkeypatch: pytest.MonkeyPatch) -> list[npt.NDArray[np.float32]]:
    """Scores of concepts, and of the note's own network where there is one, that the second stage is fitted on."""
    prepared = prepare(asked)
    documents = {document.id: document for document in prepared.documents}
    patient_of = dict(zip(prepared.ids, prepared.patients, strict=True))
    assert all(documents[i].joined().id == i for i in documents)
    given: list[npt.NDArray[np.float32]] = []

    def of_network(head: object, scores: Any, gold: Any, own: Any, **_: object) -> None:
        given.extend(one.numpy() for one in (scores, own) if one is not None)
        raise _StoppedError

    def of_language_model(config: object, about: object, notes: object, scores: Any, *_: object) -> None:
        given.append(scores)
        raise _StoppedError

    scorer = SimpleNamespace(fit=lambda config, known, found, seed: Telling(found, patient_of, len(known)))
    monkeypatch.setattr(concept_stages, "scorer_of", lambda table: (scorer, Settings()))
    monkeypatch.setattr(
        concept_training,
        "fit_network",
        lambda config, notes, gold, *_: Telling([documents[n.id] for n in notes], patient_of, gold.shape[1]),
    )
    monkeypatch.setattr(concept_training, "fit_head", of_network)
    monkeypatch.setattr(concept_training.language_model, "fit", of_language_model)
    with pytest.raises(_StoppedError):
        train_model(asked)
    assert all(len(one) == len(prepared.split("train")) for one in given)
    return given


@pytest.mark.parametrize(
    ("model", "parts"),
    [({}, 1), ({"inputs": "both"}, 2), ({"head": "mlp"}, 1), ({"head": "language_model"}, 1)],
    ids=["linear", "with the note's logits", "mlp", "language model"],
)
def test_every_head_is_trained_on_scores_of_notes_whose_patients_the_scorer_has_not_seen(
    model: dict[str, object], parts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = given_to_the_head(experiment(tmp_path, **model), monkeypatch)
    assert len(given) == parts
    assert all((one == UNSEEN).all() for one in given)


def test_in_fold_scores_are_those_of_notes_that_were_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = given_to_the_head(experiment(tmp_path, in_fold=True, inputs="both"), monkeypatch)
    assert len(given) == 2
    assert all((one == SEEN).all() for one in given)


def test_the_threshold_is_chosen_on_validation_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = experiment(tmp_path)
    prepared = prepare(asked)
    train_model(asked)
    chosen: list[tuple[Any, Any]] = []
    decided = concept_training.decided

    def noting(gold: Any, probabilities: Any, **settings: Any) -> Any:
        chosen.append((gold, probabilities))
        return decided(gold, probabilities, **settings)

    monkeypatch.setattr(concept_training, "decided", noting)
    decide(asked)
    ((gold, probabilities),) = chosen
    validation = prepared.split("validation")
    assert np.array_equal(gold, prepared.gold(validation))
    predictor = Coder.load(asked.coder).predictor
    assert isinstance(predictor, ConceptCoder)
    notes = [prepared.documents[i].joined() for i in validation]
    np.testing.assert_allclose(probabilities, predictor.probabilities(notes), atol=1e-6)
