"""What a run keeps of its fine-tunings, and for whom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from icdcoder.core.document import Document
from icdcoder.core.errors import ArtefactError
from icdcoder.core.note import Note
from icdcoder.experiment.fine_tuning import FineTunings
from icdcoder.nn.asking.fine_tuning import Course, fine_tune

DOCUMENTS = [Document("1", (Note("1", "chest pain"),), (), "1", "train")]


def tuned(course: Course, width: int = 2) -> torch.Tensor:
    torch.manual_seed(0)
    model = nn.Linear(width, 1)
    items = [torch.ones(width), torch.zeros(width)]
    fine_tune(
        model,
        iter([items, items]),
        lambda item: model(item).square().sum(),
        len,
        count=2,
        learning_rate=0.1,
        weight_decay=0.0,
        together=1,
        course=course,
    )
    return model.weight.detach().clone()


def test_a_fine_tuning_that_ended_is_not_done_again(tmp_path: Path) -> None:
    tunings = FineTunings(tmp_path, seed=1, every=3)
    with tunings.course("concepts", DOCUMENTS) as course:
        first = tuned(course)
    assert [path.name for path in sorted((tmp_path / "fine_tuning" / "concepts").iterdir())] == ["step-00000004"]
    with tunings.course("concepts", DOCUMENTS) as course:
        assert torch.equal(tuned(course), first)
    tunings.forget()
    assert not (tmp_path / "fine_tuning").exists()


def test_it_goes_on_with_nothing_else(tmp_path: Path) -> None:
    tunings = FineTunings(tmp_path, seed=1)
    with tunings.course("concepts", DOCUMENTS) as course:
        tuned(course)
    other = [Document("1", (Note("1", "chest pain."),), (), "1", "train")]
    for changed, documents, width, what in (
        (FineTunings(tmp_path, seed=2), DOCUMENTS, 2, "other settings"),
        (tunings, other, 2, "other training notes"),
        (tunings, DOCUMENTS, 3, "another model"),
    ):
        with changed.course("concepts", documents) as course, pytest.raises(ArtefactError, match=what):
            tuned(course, width)


def test_scores_of_a_fold_are_computed_once_where_something_is_fine_tuned(tmp_path: Path) -> None:
    tunings, calls = FineTunings(tmp_path, seed=1), []

    def compute() -> np.ndarray:
        calls.append(1)
        return np.full((1, 2), len(calls), dtype=np.float32)

    assert tunings.remembered("fold_1", compute)[0, 0] == 1
    assert tunings.remembered("fold_1", compute)[0, 0] == 2, "a scorer without training is quick, and keeps nothing"
    with tunings.course("fold_1", DOCUMENTS) as course:
        tuned(course)
    assert tunings.remembered("fold_1", compute)[0, 0] == 3
    assert tunings.remembered("fold_1", compute)[0, 0] == 3
