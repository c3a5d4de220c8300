"""The linear floor as the literature has it: one classifier a code, each fitted to its optimum by scikit-learn.

Adam, which trains the other models, stops far from it: words that few notes hold get steps as long as the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from icdcoder.core.cache import write_atomic
from icdcoder.core.components import extra_named
from icdcoder.core.progress import SILENT, Progress
from icdcoder.models.linear import Config, Linear
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.train.checkpoint import save_weights
from icdcoder.train.place import TrainingResult

DONE = "fitted.json"
# The logit of a code that no training note has, or that all have: nothing tells its notes from others.
CERTAIN = 3.0


def fit(
    model: Linear,
    notes: TokenisedNotes,
    validate: Callable[[nn.Module, int], Mapping[str, float]],
    config: Config,
    monitor: str,
    path: Path,
    *,
    seed: int = 0,
    progress: Progress = SILENT,
) -> TrainingResult:
    """Fits the weights and writes them to `path`, or returns what an earlier call ended with."""
    done = path.parent / DONE
    if done.exists() and path.exists():
        return TrainingResult(**json.loads(done.read_text(encoding="utf-8")))
    gold = np.zeros((len(notes), notes.codes), dtype=np.bool_)
    for row, codes in enumerate(notes.gold or ()):
        gold[row, codes] = True
    weights, bias = _one_versus_rest(_bags(model, notes), gold, _classifier(config, seed), progress)
    with torch.no_grad():
        model.weights.copy_(torch.from_numpy(weights))
        model.bias.copy_(torch.from_numpy(bias))
    save_weights(path, model.state_dict())
    result = TrainingResult(1, float(validate(model.eval(), 1)[monitor]), monitor, 1, 1, "Each code is at its optimum")
    write_atomic(done, json.dumps(asdict(result)))
    return result


def _bags(model: Linear, notes: TokenisedNotes) -> Any:
    """A sparse matrix "note word", as the model weighs its words: some hundred of 50,000 words are in a note."""
    from scipy.sparse import csr_matrix, vstack

    rows = [csr_matrix((0, len(model.rarity)))]
    for i in range(len(notes)):
        batch = notes.batch([i])
        rows.append(csr_matrix(model.bag(batch.tokens, batch.mask).numpy().astype(np.float64)))
    return vstack(rows, format="csr")


def _classifier(config: Config, seed: int) -> Callable[[], Any]:
    with extra_named(f'model.fit = "{config.fit}"'):
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

    if config.fit == "svm":
        return lambda: LinearSVC(C=config.cost, random_state=seed)
    return lambda: LogisticRegression(C=config.cost, solver="liblinear", random_state=seed)


def _one_versus_rest(
    bags: Any, gold: npt.NDArray[np.bool_], classifier: Callable[[], Any], progress: Progress
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(weights "code word", bias "code")."""
    weights = np.zeros((gold.shape[1], bags.shape[1]))
    bias = np.where(gold.all(axis=0), CERTAIN, -CERTAIN)
    with progress.track("Fitting codes", gold.shape[1]) as step:
        for code in range(gold.shape[1]):
            if gold[:, code].any() and not gold[:, code].all():
                one = classifier().fit(bags, gold[:, code])
                weights[code], bias[code] = one.coef_[0], one.intercept_[0]
            step(1)
    return weights, bias
