from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from icdcoder.experiment.config import Experiment
from icdcoder.experiment.flow import run

TINY: dict[str, Any] = {
    "name": "small",
    "seed": 3,
    "corpus": {"kind": "synthetic", "documents": 160, "codes": 12},
    "text": {"max_tokens": 300, "min_documents": 2},
    "model": {"kind": "caml", "filters": 16, "embedding": 16},
    "train": {"epochs": 2, "batch_size": 16, "learning_rate": 0.003},
}


def experiment(folder: Path, **changes: Any) -> Experiment:
    """The small experiment in a folder; `corpus={"documents": 3}` changes single keys of a table."""
    data = {key: dict(value) if isinstance(value, dict) else value for key, value in TINY.items()}
    for key, value in changes.items():
        data[key] = {**data.get(key, {}), **value} if isinstance(value, dict) else value
    return Experiment.resolve({**data, "runs": str(folder)})


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """An experiment whose four steps have been run; tests only read its folders."""
    asked = experiment(tmp_path_factory.mktemp("runs"))
    run(asked)
    return asked
