"""Every configuration that is shipped: short, resolvable, and watching a measure that its data set has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from icdcoder.core.config import read_toml
from icdcoder.experiment.config import Experiment
from icdcoder.measure.coding import validation_measures

FOLDER = Path(__file__).parents[2] / "configs"
CONFIGS = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_shipped_configuration_resolves_and_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 25
    assert Experiment.load(path).name == read_toml(path)["name"]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("mimic*.toml")), ids=lambda path: path.stem)
def test_training_watches_a_measure_that_there_is(path: Path) -> None:
    asked = Experiment.load(path)
    assert asked.train is not None
    codes = 50 if asked.tables("corpus")["corpus"].get("variant") == "top50" else 200
    draw = np.random.default_rng(0)
    assert asked.train.monitor in validation_measures(draw.random((8, codes)) < 0.2, draw.random((8, codes)))


def test_configurations_of_one_paper_read_codes_as_that_paper_did() -> None:
    loaders = {path.stem: Experiment.load(path).tables("corpus")["corpus"].get("labels") for path in CONFIGS}
    assert {
        loaders[name] for name in loaders if name.startswith("mimic3_full") and not name.endswith(("laat", "xr_lat"))
    } == {"caml"}
    assert loaders["mimic3_full_laat"] == loaders["mimic3_clean_caml"] == "correct"
