from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from icdcoder.core.config import read_toml, to_toml
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.flow import run
from icdcoder.experiment.linear_fit import DONE
from icdcoder.experiment.prepared import Prepared
from icdcoder.experiment.training import CONFIG, changed_tables, tokenised, trained_model

from .conftest import experiment


def linear(folder: Path, **settings: Any) -> Experiment:
    asked = experiment(folder).tables()
    asked["model"] = {"kind": "linear", **settings}
    return Experiment.resolve({**asked, "runs": str(folder)})


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    asked = linear(tmp_path_factory.mktemp("runs"))
    run(asked)
    return asked


def test_the_weights_are_those_of_a_support_vector_machine_a_code(fitted: Experiment) -> None:
    from sklearn.svm import LinearSVC

    prepared = Prepared.load(fitted.prepared)
    model, notes = trained_model(fitted, prepared), tokenised(prepared, "train")
    batch = notes.batch(range(len(notes)))
    with torch.no_grad():
        words, logits = model.bag(batch.tokens, batch.mask).numpy(), model(batch).logits.numpy()  # type: ignore[operator]
    gold = prepared.gold(prepared.split("train"))
    for code in range(3):
        one = LinearSVC(random_state=fitted.seed).fit(words, gold[:, code])
        np.testing.assert_allclose(logits[:, code], one.decision_function(words), atol=1e-3)


def test_a_logistic_regression_is_at_its_optimum(tmp_path: Path) -> None:
    asked = linear(tmp_path, fit="logistic", cost=10.0)
    run(asked)
    prepared = Prepared.load(asked.prepared)
    model, notes = trained_model(asked, prepared), tokenised(prepared, "train")
    batch = notes.batch(range(len(notes)))
    logits = model(batch).logits
    losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch.targets, reduction="none").sum(0)
    objective = (10.0 * losses).sum() + 0.5 * (model.weights**2).sum() + 0.5 * (model.bias**2).sum()  # type: ignore
    gradients = torch.autograd.grad(objective, [model.weights, model.bias])  # type: ignore[list-item]
    assert max(float(gradient.abs().max()) for gradient in gradients) < 0.1


def test_what_is_fitted_is_kept(fitted: Experiment) -> None:
    before = (fitted.run / DONE).stat().st_mtime_ns
    run(fitted)
    assert (fitted.run / DONE).stat().st_mtime_ns == before
    assert load_file(fitted.run / "best.safetensors")["weights"].abs().max() > 0.5


def test_a_run_of_an_earlier_version_was_trained_by_gradients(fitted: Experiment, tmp_path: Path) -> None:
    old = read_toml(fitted.run / CONFIG)
    for setting in ("fit", "cost"):
        del old["model"][setting]
    (tmp_path / CONFIG).write_text(to_toml(old), encoding="utf-8")
    assert changed_tables(tmp_path, fitted) == ["model"]
    assert changed_tables(tmp_path, linear(tmp_path, fit="gradient")) == []
